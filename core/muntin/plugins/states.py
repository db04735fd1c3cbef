"""Which plugins are enabled, as the database says, and changing it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from muntin import audit
from muntin.access import Actor, guarded
from muntin.database import transaction
from muntin.errors import Conflict, NotFound
from muntin.plugins.discovery import installed_plugins
from muntin.plugins.footprint import Footprint, footprint_of
from muntin.plugins.loading import PluginFailed
from muntin.plugins.manifest import Manifest, Origin
from muntin.plugins.models import PluginRow
from muntin.plugins.registry import CORE, Registry
from muntin.runtime import panel
from muntin.translation import _
from muntin.versions import bump

VERSION = "plugins"
TOPIC = "plugins.changed"
ROLL_TOPIC = "supervisor.roll"


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginState:
    """A plugin as administrators see it.

    Attributes:
        state: `enabled`, `disabled`, `quarantined`, `absent` (installed but not loaded), or `uninstalled` (its data was
            kept).
        reason: Why it does not run.
        remedy: What to do about that.
        capabilities: What it asks for, a sentence each.
        needs: Other plugins and distributions, with their ranges.
        muntin: The versions of the panel it works with; empty: any.
        origin: `generation` where `muntin plugin` can change it, `environment` where only whoever installed the panel
            can; empty when it is uninstalled.
        node_halves: Its halves on nodes.
    """

    name: str
    distribution: str
    version: str
    summary: str
    state: str
    reason: str = ""
    remedy: str = ""
    capabilities: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    muntin: str = ""
    origin: Origin | None = None
    node_halves: tuple[str, ...] = ()


async def record_loaded(registry: Registry) -> None:
    """Remember plugins that are loaded for the first time, or changed; they start enabled."""
    known = {row.name: row for row in await PluginRow.all()}
    for plugin in registry.plugins:
        if plugin.name == CORE:
            continue
        version, footprint = plugin.manifest.version, footprint_of(plugin).to_json()
        row = known.get(plugin.name)
        if row is None or row.version != version or row.footprint != _merged(row, footprint):
            values = {"version": version, "footprint": _merged(row, footprint)}
            await PluginRow.update_or_create(name=plugin.name, defaults=values)


def _merged(row: PluginRow | None, footprint: dict[str, list[str]]) -> dict[str, list[str]]:
    """With what earlier versions left, which a purge has to find too."""
    before = Footprint.from_json(row.footprint if row else None).to_json()
    return {kind: sorted({*names, *before[kind]}) for kind, names in footprint.items()}


async def enabled_names(registry: Registry) -> frozenset[str]:
    """The loaded plugins that are to be enabled."""
    rows = await PluginRow.filter(state="enabled").values_list("name", flat=True)
    return frozenset(str(name) for name in rows) & registry.names


@guarded("admin.plugins.list")
async def list_plugins(actor: Actor) -> list[PluginState]:
    """Every installed plugin and what became of it, and those whose data was kept."""
    return await _states()


@guarded("admin.plugins.list")
async def load_plugin_state(actor: Actor, name: str) -> PluginState:
    """One of them.

    Raises:
        NotFound: Nothing of such a plugin is known.
    """
    return await _state_of(name)


async def _state_of(name: str) -> PluginState:
    for one in await _states():
        if one.name == name:
            return one
    raise NotFound(_("No plugin {name} is installed.", name=name))


async def _states() -> list[PluginState]:
    rows = {row.name: row for row in await PluginRow.all()}
    installed = installed_plugins()
    kept = [_uninstalled(row) for name, row in rows.items() if name not in installed]
    return sorted([*(_state(one, rows.get(one.name)) for one in installed.values()), *kept], key=lambda one: one.name)


def _state(manifest: Manifest, row: PluginRow | None) -> PluginState:
    failure = next((one for one in panel().registry.failed if one.plugin == manifest.name), None)
    loaded = manifest.name in panel().registry.names
    quarantined = row is not None and row.state == "quarantined"
    reason, remedy = _why(manifest, row, failure)
    return PluginState(
        name=manifest.name,
        distribution=manifest.distribution,
        version=manifest.version,
        summary=manifest.summary,
        state=row.state if row is not None and (loaded or quarantined) else "absent",
        reason=reason,
        remedy=remedy,
        capabilities=manifest.capabilities.in_words(),
        needs=tuple(f"{one} {wanted}".strip() for one, wanted in {**manifest.requires, **manifest.needs}.items()),
        muntin=manifest.muntin,
        origin=manifest.origin,
        node_halves=manifest.node_halves,
    )


def _why(manifest: Manifest, row: PluginRow | None, failure: PluginFailed | None) -> tuple[str, str]:
    """Why it does not run, and the remedy."""
    if manifest.problem:
        return manifest.problem, manifest.remedy
    if failure is not None:
        return failure.reason, failure.remedy
    if row is not None and row.state == "quarantined":
        return row.reason, _("Enable it again once the cause is gone.")
    return (row.reason if row else ""), ""


def _uninstalled(row: PluginRow) -> PluginState:
    return PluginState(
        name=row.name,
        distribution="",
        version=row.version,
        summary="",
        state="uninstalled",
        reason=_("It is not installed; its data was kept."),
        remedy=_("Install it again, or purge what it left."),
    )


@guarded("admin.plugins.switch")
async def enable_plugin(actor: Actor, name: str) -> PluginState:
    """Make a plugin's contributions reachable, in every process, at once.

    One that was taken out while it was being loaded is tried again, in new processes.

    Raises:
        NotFound: No such plugin is installed.
        Conflict: It must not be loaded; the message says why.
    """
    return await _switch(actor, name, "enabled")


@guarded("admin.plugins.switch")
async def disable_plugin(actor: Actor, name: str) -> PluginState:
    """Make nothing of the plugin reachable any more, in every process, at once; its data stays.

    Raises:
        NotFound: No such plugin is installed.
        Conflict: It is not loaded; the message says why.
    """
    return await _switch(actor, name, "disabled")


async def quarantine_plugin(name: str, reason: str, *, loading: bool = False) -> PluginState:
    """Take out a plugin that stood in the way of a process; an administrator's `enable` undoes it.

    Args:
        loading: It did harm while it was imported, so processes that start from now on leave it alone.

    Raises:
        NotFound: No such plugin is installed.
    """
    from muntin.plugins.quarantine import quarantine

    await _state_of(name)
    await quarantine(name, reason, loading=loading)
    return await _state_of(name)


async def _switch(actor: Actor, name: str, state: str) -> PluginState:
    before = await _state_of(name)
    loaded = name in panel().registry.names
    again = state == "enabled" and _may_be_tried_again(name)
    if not loaded and not again:
        raise Conflict(
            _("{name} is not loaded. {reason} {remedy}", name=name, reason=before.reason, remedy=before.remedy)
        )
    async with transaction() as events:
        changed = await PluginRow.filter(name=name).exclude(state=state).update(state=state, reason="")
        if changed:
            await bump(VERSION)
            await audit.record(events, actor, f"plugin.{state}", ("plugin", name), {})
            events.after_commit(announce)
    if again:
        panel().bus.publish(ROLL_TOPIC, {"id": f"again-{uuid4()}"})
    await panel().reload_plugins()
    return await _state_of(name)


def _may_be_tried_again(name: str) -> bool:
    """Whether the plugin was refused for what it did when it was loaded; that is forgotten then."""
    from muntin.plugins.probing import Verdicts

    manifest = installed_plugins().get(name)
    verdicts = Verdicts(panel().configuration.data_dir)
    verdict = verdicts.of(manifest) if manifest and not manifest.problem else None
    return verdict is not None and not verdict.ok and verdicts.forget(name)


def announce() -> None:
    """Tell the other processes to look."""
    panel().bus.publish(TOPIC)
