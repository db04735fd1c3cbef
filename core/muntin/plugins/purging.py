"""Purging: after it nothing of a plugin is left in the tables of the core, and its own are gone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tortoise.expressions import Q

from muntin import audit
from muntin.access import Actor
from muntin.audit.models import AuditRow
from muntin.bus.models import LimitRow
from muntin.database import Transaction, execute, fetch_all, transaction
from muntin.errors import Conflict
from muntin.events import Event, forget_subscribers
from muntin.events.models import Lane, OutboxRow, ResourceSequence, Subscriber
from muntin.jobs import purge_jobs
from muntin.jobs.models import CronRow, JobRow
from muntin.jobs.strays import forget_strays
from muntin.mail.models import MailRow
from muntin.nodes.models import NodeRow
from muntin.plugins.files import delete_plugin_folder
from muntin.plugins.footprint import Footprint
from muntin.plugins.models import HalfRemovalRow, PluginRow
from muntin.plugins.purging_permissions import held_permissions, take_permissions
from muntin.plugins.tables_of import drop_tables, referring, tables_of
from muntin.roles.models import OfferedPermissionRow
from muntin.runtime import panel
from muntin.settings.models import SettingRow
from muntin.translation import _
from muntin.versions import bump

BATCH = 500


class StillReferred(Conflict):
    """Tables of others hold rows that point to rows of the plugin."""

    code = "plugin_still_referred_to"

    def __init__(self, plugin: str, tables: Sequence[str]) -> None:
        named = ", ".join(tables)
        super().__init__(
            _(
                "The tables {tables} point to tables of {plugin}; purge their plugins first.",
                tables=named,
                plugin=plugin,
            )
        )


@dataclass(frozen=True, slots=True)
class Traces:
    """Where a plugin is found in tables that are not its own.

    Attributes:
        resources: What its events and audit entries are about, as far as nobody else's are about that too.
    """

    plugin: str
    footprint: Footprint
    resources: tuple[str, ...]


async def traces_of(plugin: str) -> Traces:
    """What was remembered of the plugin, less what others claim too."""
    row = await PluginRow.get_or_none(name=plugin)
    footprint = Footprint.from_json(row.footprint if row else None)
    stems = {table.removeprefix(f"{plugin}_") for table in footprint.tables}
    others = set(await _others_resources(plugin))
    return Traces(plugin, footprint, tuple(sorted({plugin, *footprint.resources, *stems} - others)))


async def _others_resources(plugin: str) -> Iterable[str]:
    from muntin.plugins.registry import CORE

    found = {"user", "role", "node", "job", "session", "api_key", "settings", "panel", "plugin"}
    for owned in panel().registry.known(type):
        if owned.plugin != plugin and issubclass(owned.value, Event):
            found.add(owned.value.type.split(".", 1)[0])
    for row in await PluginRow.exclude(name__in=(plugin, CORE)):
        found |= set(Footprint.from_json(row.footprint).resources)
    return found


async def refuse_while_referred(plugin: str) -> None:
    """Refuse to drop tables that others' rows point to.

    Raises:
        StillReferred: Names them.
    """
    found = await referring(await tables_of(plugin))
    if found:
        raise StillReferred(plugin, found)


async def purge_tables(plugin: str) -> list[str]:
    """Drop the plugin's tables and forget its migrations; the tables' names.

    Raises:
        StillReferred: Nothing was dropped.
    """
    await refuse_while_referred(plugin)
    tables = await tables_of(plugin)
    await drop_tables(panel().configuration, tables)
    await execute("DELETE FROM tortoise_migrations WHERE app = ?", [plugin])
    return tables


async def purge_traces(plugin: str, actor: Actor) -> dict[str, int]:
    """Delete what of the plugin lies in tables of the core and in its folder; kind -> how many."""
    traces = await traces_of(plugin)
    await purge_jobs(plugin)
    await forget_subscribers(plugin)
    await _ask_nodes(traces.footprint.halves)
    async with transaction() as events:
        gone = await _delete(traces)
        gone |= await take_permissions(plugin, traces.footprint.permissions)
        await PluginRow.filter(name=plugin).delete()
        await bump("plugins")
        await _note(events, actor, plugin)
    gone["runs"] = await forget_strays()
    gone["files"] = delete_plugin_folder(panel().configuration.data_dir, plugin)
    _forget_verdict(plugin)
    return {kind: count for kind, count in gone.items() if count}


async def _delete(traces: Traces) -> dict[str, int]:
    """Audit entries of its jobs go before the jobs."""
    audit_entries = await _delete_audit(traces)
    footprint, plugin = traces.footprint, traces.plugin
    its_crons = Q(name__in=footprint.crons) | Q(name__startswith=f"{plugin}.")
    its_mails = Q(template__in=footprint.mails) | Q(template__startswith=f"{plugin}.")
    about_it = _events_of(traces)
    await Lane.filter(about_it).delete()
    await LimitRow.filter(Q(bucket__startswith=f"{plugin}.") | Q(bucket__startswith=f"{plugin}:")).delete()
    return {
        "audit": audit_entries,
        "jobs": await JobRow.filter(plugin=plugin).delete(),
        "crons": await CronRow.filter(its_crons).delete(),
        "mails": await MailRow.filter(its_mails).delete(),
        "settings": await SettingRow.filter(section__in=footprint.settings).delete(),
        "events": await OutboxRow.filter(about_it | Q(type__in=footprint.events)).delete(),
        "sequences": await ResourceSequence.filter(about_it).delete(),
        "permissions": await OfferedPermissionRow.filter(key__in=footprint.permissions).delete(),
    }


def _events_of(traces: Traces) -> Q:
    """Events about it, its settings, or its resources."""
    return (
        Q(resource_type="plugin", resource_id=traces.plugin)
        | Q(resource_type="settings", resource_id__in=traces.footprint.settings)
        | Q(resource_type__in=traces.resources)
    )


async def _delete_audit(traces: Traces) -> int:
    """Entries about it, and those that its code recorded, whatever they are about."""
    its_jobs = JobRow.filter(plugin=traces.plugin)
    gone = await AuditRow.filter(_audit_of(traces)).delete()
    ids = [str(one) for one in await its_jobs.values_list("id", flat=True)]
    ids += [str(one.id) for one in await AuditRow.filter(subject_type__in=("job", "event")) if _names(one, traces)]
    for begin in range(0, len(ids), BATCH):
        some = ids[begin : begin + BATCH]
        gone += await AuditRow.filter(Q(subject_type="job", subject_id__in=some) | Q(id__in=some)).delete()
    return gone


def _audit_of(traces: Traces) -> Q:
    return (
        Q(plugin=traces.plugin)
        | Q(subject_type="plugin", subject_id=traces.plugin)
        | Q(subject_type="settings", subject_id__in=traces.footprint.settings)
        | Q(subject_type__in=traces.resources)
    )


def _names(entry: AuditRow, traces: Traces) -> bool:
    """Whether an entry about a job or an event is about one of the plugin's, which may be deleted already."""
    told = entry.properties if isinstance(entry.properties, dict) else {}
    said = [str(told.get(name, "")) for name in ("name", "subscriber", "type")]
    return any(one.startswith(f"{traces.plugin}.") or one in traces.footprint.events for one in said)


async def _ask_nodes(halves: Sequence[str]) -> None:
    """Have every node delete what the halves keep there; the worker sees to it, whenever a node is back."""
    for node in await NodeRow.all() if halves else ():
        for half in halves:
            await HalfRemovalRow.get_or_create(node_id=node.id, half=half)


def _forget_verdict(plugin: str) -> None:
    from muntin.plugins.probing import Verdicts

    Verdicts(panel().configuration.data_dir).forget(plugin)


async def _note(events: Transaction, actor: Actor, plugin: str) -> None:
    """Who purged it stays on record; the entry is about the panel, since the plugin leaves none."""
    await audit.record(events, actor, "plugin.purged", ("panel", "plugins"), {"plugin": plugin})


async def remains_of(plugin: str, footprint: Footprint) -> dict[str, int]:
    """How much of a plugin is still there, by kind; all zero after a purge, but for nodes that are away.

    Args:
        footprint: As it was remembered before the purge.
    """
    traces = Traces(plugin, footprint, tuple(one for one in footprint.resources if one))
    migrations = await fetch_all("SELECT COUNT(*) AS found FROM tortoise_migrations WHERE app = ?", [plugin])
    about_it = _events_of(traces)
    held = [key for _table, _row, keys in await held_permissions(plugin) for key in keys]
    return {
        "tables": len(await tables_of(plugin)),
        "migrations": int(migrations[0]["found"]),
        "plugins": await PluginRow.filter(name=plugin).count(),
        "permissions": sum(key in footprint.permissions for key in held),
        "offered permissions": await OfferedPermissionRow.filter(key__in=footprint.permissions).count(),
        "settings": await SettingRow.filter(section__in=footprint.settings).count(),
        "jobs": await JobRow.filter(plugin=plugin).count(),
        "crons": await CronRow.filter(name__startswith=f"{plugin}.").count(),
        "subscribers": await Subscriber.filter(plugin=plugin).count(),
        "lanes": await Lane.filter(Q(subscriber__startswith=f"{plugin}.") | about_it).count(),
        "events": await OutboxRow.filter(Q(type__in=footprint.events) | about_it).count(),
        "sequences": await ResourceSequence.filter(about_it).count(),
        "mails": await MailRow.filter(template__in=footprint.mails).count(),
        "audit": await AuditRow.filter(_audit_of(traces)).count(),
        "nodes": await HalfRemovalRow.filter(half__in=footprint.halves).count(),
    }
