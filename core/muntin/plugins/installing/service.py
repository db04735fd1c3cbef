"""What an administrator can have done to the set of plugins. One change at a time; a failed one leaves no trace."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal
from uuid import UUID

from muntin import audit
from muntin.access import Actor, guarded
from muntin.database import transaction
from muntin.errors import NotFound
from muntin.plugins.declared import Declared, read_declared, write_declared
from muntin.plugins.discovery import installed_plugins
from muntin.plugins.exporting import export_plugin
from muntin.plugins.generations import Generations
from muntin.plugins.installing.change import Change, applied_migrations, in_store, put_store_back
from muntin.plugins.installing.journal import Journal
from muntin.plugins.installing.leaving import without
from muntin.plugins.installing.report import Action, ChangeFailed, Report, Step, forget_reports
from muntin.plugins.installing.rolling import roll
from muntin.plugins.installing.selection import Selection, assemble, select
from muntin.plugins.installing.sources import Sources
from muntin.plugins.installing.startup import is_built
from muntin.plugins.installing.wheels import open_wheel
from muntin.plugins.manifest_file import PluginRefused
from muntin.plugins.models import PluginRow
from muntin.plugins.purging import purge_tables, purge_traces, refuse_while_referred, remains_of, traces_of
from muntin.plugins.states import disable_plugin, enable_plugin
from muntin.plugins.tables_of import tables_of
from muntin.runtime import panel
from muntin.translation import _

PERMISSION = "admin.plugins.install"
Listener = Callable[[Step], None]
DataChoice = Literal["keep", "export", "purge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a change is to be called and whom it tells.

    Attributes:
        listener: Told of each step when it is over.
        report_id: Under which the report can be read meanwhile; made up when `None`.
    """

    listener: Listener | None = None
    report_id: UUID | None = None


@guarded(PERMISSION)
async def install_plugin(
    actor: Actor,
    wanted: str | Path,
    *,
    sources: Sources | None = None,
    upgrade: bool = False,
    order: Order = Order(),
) -> Report:
    """Install a plugin, or another version of one that is installed.

    Args:
        wanted: A wheel's path, or a distribution with perhaps a range of versions.
        upgrade: Refuse what is not installed yet.

    Raises:
        InstallUnderWay: Somebody else changes the plugins at this moment.
        ChangeFailed: The report says which step failed and why; everything is as it was.
    """
    action: Action = "upgrade" if upgrade else "install"
    async with _change(actor, action, _shown(wanted), order) as (change, report):
        before = read_declared(_generations().folder)
        with tempfile.TemporaryDirectory(prefix="muntin-install-") as staging:
            async with report.step(_("Look and resolve")) as step:
                selection = await select(_generations(), before, wanted, sources or Sources(), Path(staging))
                _refuse_what_is_left_out(selection)
                if upgrade:
                    _refuse_unknown(selection, before)
                step.text = _what_changes(selection, before)
            if selection.changed:
                await _put_to_use(actor, change, report, selection, before)
    return report


async def _put_to_use(actor: Actor, change: Change, report: Report, selection: Selection, before: Declared) -> None:
    report.target = ", ".join(sorted(selection.changed))
    await change.build(selection.declared, selection.wheels)
    await change.probe(selection.changed)
    await change.migrate(selection.changed.keys())
    await change.roll()
    await change.commit(selection.declared)
    async with transaction() as events:
        for name, manifest in selection.changed.items():
            old = before.of_plugin(name)
            done = "plugin.upgraded" if old else "plugin.installed"
            told = {"from": old.version if old else None, "to": manifest.version, "wheel": manifest.distribution}
            await audit.record(events, actor, done, ("plugin", name), told)


@guarded(PERMISSION)
async def uninstall_plugin(
    actor: Actor,
    name: str,
    *,
    data: DataChoice,
    export_to: Path | None = None,
    order: Order = Order(),
) -> Report:
    """Take a plugin out, and keep its data, export and then purge it, or purge it.

    Args:
        export_to: The zip that is written; asked for with `data="export"`.

    Raises:
        NotFound: It is not installed.
        PluginRefused: It is part of the panel's environment, or another plugin needs it.
        ChangeFailed: See `install_plugin`. What was purged is gone all the same; the report says how far it came.
    """
    before = read_declared(_generations().folder)
    remaining = without(name, before, _generations().wheels)
    if data != "keep":
        await refuse_while_referred(name)
    async with _change(actor, "uninstall", name, order) as (change, report):
        await _switch_off(actor, change, name)
        if data == "export":
            assert export_to is not None  # noqa: S101 - asked for by whoever chose to export
            async with report.step(_("Export")) as step:
                step.text = f"{export_to}: {_counts(await export_plugin(name, export_to))}"
        wheels = [open_wheel(_generations().wheels / one.wheel) for one in remaining.wheels]
        if wheels:
            await change.build(remaining, wheels)
        await change.roll()
        await change.commit(remaining)
        await _note(actor, "plugin.uninstalled", name, {"data": data})
        if data != "keep":
            await _purge(actor, report, name)
    return report


async def _switch_off(actor: Actor, change: Change, name: str) -> None:
    """Nothing of it may be at work while its data is read and deleted; a later installation begins enabled again."""
    change.at_the_end(lambda: PluginRow.filter(name=name).update(state="enabled", reason=""))
    row = await PluginRow.get_or_none(name=name)
    if row is None or row.state != "enabled" or name not in panel().registry.names:
        return

    async def on_again() -> str:
        await enable_plugin(Actor.system(), name)
        return ""

    await change.do(_("Disable"), lambda: disable_plugin(Actor.system(), name), (_("Enable"), on_again))


@guarded(PERMISSION)
async def purge_plugin(actor: Actor, name: str, *, order: Order = Order()) -> Report:
    """Delete everything that a plugin left that is not installed any more. Twice changes nothing more.

    Raises:
        NotFound: Nothing of such a plugin is known.
        PluginRefused: It is installed; uninstall it first.
        StillReferred: Tables of other plugins point to its tables.
    """
    if name in installed_plugins():
        remedy = _("Uninstall it first: muntin plugin uninstall {name} --purge", name=name)
        raise PluginRefused(_("{name} is installed.", name=name), remedy)
    if not await PluginRow.exists(name=name) and not await tables_of(name):
        raise NotFound(_("Nothing of a plugin {name} is known.", name=name))
    await refuse_while_referred(name)
    async with _change(actor, "purge", name, order) as (_unused, report):
        await _purge(actor, report, name)
    return report


async def _purge(actor: Actor, report: Report, name: str) -> None:
    footprint = (await traces_of(name)).footprint
    async with report.step(_("Delete its tables")) as step:
        step.text = ", ".join(await purge_tables(name)) or _("It had none")
    async with report.step(_("Delete what it left elsewhere")) as step:
        step.text = _counts(await purge_traces(name, actor)) or _("Nothing")
        forget_reports(_generations().folder / "reports", name, but=report.id)
    async with report.step(_("Look for what is left")) as step:
        left = {kind: count for kind, count in (await remains_of(name, footprint)).items() if count}
        nodes = left.pop("nodes", 0)
        step.text = _("Nodes that still have to delete files: {count}", count=nodes) if nodes else _("Nothing")
        if left:
            raise PluginRefused(_("This is left: {what}", what=_counts(left)))


@guarded(PERMISSION)
async def sync_plugins(actor: Actor, *, sources: Sources | None = None, order: Order = Order()) -> Report:
    """Make this machine's plugins what `declared.toml` says: on a second host, or in a container that was made anew.

    Raises:
        ChangeFailed: See `install_plugin`.
    """
    folder = _generations().folder
    async with _change(actor, "sync", "declared.toml", order) as (change, report):
        declared = read_declared(folder)
        if is_built(_generations(), declared):
            return report
        with tempfile.TemporaryDirectory(prefix="muntin-install-") as staging:
            async with report.step(_("Gather the wheels")):
                wheels = await assemble(_generations(), declared, sources or Sources(online=True), Path(staging))
            plugins = {name: one for wheel in wheels for name, one in wheel.manifests.items()}
            await change.build(declared, wheels)
            await change.probe(plugins)
            await change.migrate(plugins.keys())
            await change.roll()
            await change.commit(declared)
    return report


@asynccontextmanager
async def _change(actor: Actor, action: Action, target: str, order: Order) -> AsyncIterator[tuple[Change, Report]]:
    """The only change at this moment, on a tidy ground; put back when anything fails.

    Raises:
        InstallUnderWay, ChangeFailed: See the services.
    """
    generations = _generations()
    report = Report(action=action, target=target, by=actor.username or "system", folder=generations.folder / "reports")
    report.listener = order.listener
    report.id = order.report_id or report.id
    with generations.locked():
        await clean_up(report)
        change = Change(panel(), report, generations)
        try:
            yield change, report
            await change.end()
        except BaseException as failure:  # whatever ended it, nothing half done may stay
            await change.put_back()
            report.finish(failure)
            if isinstance(failure, Exception):
                raise ChangeFailed(report) from failure
            raise
        report.finish()


async def clean_up(report: Report) -> None:
    """Put back what a change left that was broken off (killed, power cut); the lock is held."""
    generations = _generations()
    journal = Journal(generations.folder)
    pending = journal.read()
    if pending is None:
        generations.keep_only(generations.current)
        return
    async with report.step(_("Put back what was broken off"), undoes=True):
        if pending.after is not None and generations.current == pending.after:
            write_declared(generations.folder, read_declared(generations.path(pending.after)))
        else:
            if pending.rolling:
                journal.rolling(False)
                await roll(panel(), pending.before)
            if pending.history is not None and (fresh := await applied_migrations() - frozenset(pending.history)):
                ask = partial(in_store, panel(), pending.after)
                await put_store_back(ask, fresh, backup=None, lossy=False)
        journal.forget()
        generations.keep_only(generations.current)


def _refuse_what_is_left_out(selection: Selection) -> None:
    configuration = panel().configuration
    if configuration.safe_mode:
        raise PluginRefused(_("The panel is in safe mode."), _("End safe mode first."))
    for name in selection.changed:
        if configuration.plugins is not None and name not in configuration.plugins:
            raise PluginRefused(
                _("MUNTIN_PLUGINS names the plugins to load, and {name} is not among them.", name=name),
                _("Add it there, or do not set the variable."),
            )


def _refuse_unknown(selection: Selection, before: Declared) -> None:
    for name in selection.changed:
        if before.of_plugin(name) is None:
            raise PluginRefused(_("{name} is not installed.", name=name), _("Use muntin plugin install."))


def _what_changes(selection: Selection, before: Declared) -> str:
    words = []
    for name, manifest in selection.changed.items():
        old = before.of_plugin(name)
        words.append(f"{name} {old.version} → {manifest.version}" if old else f"{name} {manifest.version}")
    return ", ".join(words) or _("It is installed already")


def _shown(wanted: str | Path) -> str:
    return wanted.name if isinstance(wanted, Path) else wanted


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{kind}: {count}" for kind, count in counts.items())


async def _note(actor: Actor, event: str, name: str, properties: dict[str, object]) -> None:
    async with transaction() as events:
        await audit.record(events, actor, event, ("plugin", name), properties)


def _generations() -> Generations:
    return Generations(panel().configuration.data_dir)
