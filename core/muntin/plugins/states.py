"""Which plugins are enabled, as the database says, and changing it."""

from __future__ import annotations

from dataclasses import dataclass

from muntin import audit
from muntin.access import Actor, guarded
from muntin.database import transaction
from muntin.errors import Conflict, NotFound
from muntin.plugins.discovery import installed_plugins
from muntin.plugins.models import PluginRow
from muntin.plugins.registry import CORE, Registry
from muntin.runtime import panel
from muntin.translation import _
from muntin.versions import bump

VERSION = "plugins"
TOPIC = "plugins.changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginState:
    """A plugin as administrators see it.

    Attributes:
        state: `enabled`, `disabled`, `quarantined`, or `absent` (installed but not loaded).
        reason: Why it does not run, with the remedy.
    """

    name: str
    distribution: str
    version: str
    summary: str
    state: str
    reason: str = ""


async def record_loaded(registry: Registry) -> None:
    """Remember plugins that are loaded for the first time; they start enabled."""
    known = {row.name: row for row in await PluginRow.all()}
    for plugin in registry.plugins:
        version = plugin.manifest.version
        if plugin.name == CORE or (plugin.name in known and known[plugin.name].version == version):
            continue
        await PluginRow.update_or_create(name=plugin.name, defaults={"version": version})


async def enabled_names(registry: Registry) -> frozenset[str]:
    """The loaded plugins that are to be enabled."""
    rows = await PluginRow.filter(state="enabled").values_list("name", flat=True)
    return frozenset(str(name) for name in rows) & registry.names


@guarded("admin.plugins.list")
async def list_plugins(actor: Actor) -> list[PluginState]:
    """Every installed plugin and what became of it."""
    return await _states()


async def _states() -> list[PluginState]:
    rows = {row.name: row for row in await PluginRow.all()}
    failures = {failure.plugin: f"{failure.reason} {failure.remedy}" for failure in panel().registry.failed}
    loaded = panel().registry.names
    return [
        PluginState(
            name=name,
            distribution=manifest.distribution,
            version=manifest.version,
            summary=manifest.summary,
            state=rows[name].state if name in rows and name in loaded else "absent",
            reason=failures.get(name) or (rows[name].reason if name in rows else ""),
        )
        for name, manifest in installed_plugins().items()
    ]


@guarded("admin.plugins.switch")
async def enable_plugin(actor: Actor, name: str) -> PluginState:
    """Make a loaded plugin's contributions reachable, in every process, at once.

    Raises:
        NotFound: No such plugin is installed.
        Conflict: It is not loaded; the message says why.
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


async def quarantine_plugin(name: str, reason: str) -> PluginState:
    """Take out a plugin that stood in the way of a process; an administrator's `enable` undoes it.

    Raises:
        NotFound: No such plugin is installed.
    """
    return await _switch(Actor.system(), name, "quarantined", reason)


async def _switch(actor: Actor, name: str, state: str, reason: str = "") -> PluginState:
    before = {plugin.name: plugin for plugin in await _states()}
    if name not in before:
        raise NotFound(_("No plugin {name} is installed.", name=name))
    if before[name].state == "absent":
        raise Conflict(_("{name} is not loaded. {reason}", name=name, reason=before[name].reason))
    async with transaction() as events:
        changed = await PluginRow.filter(name=name).exclude(state=state).update(state=state, reason=reason)
        if changed:
            await bump(VERSION)
            await audit.record(events, actor, f"plugin.{state}", ("plugin", name), {"reason": reason})
            events.after_commit(announce)
    await panel().reload_plugins()
    return {plugin.name: plugin for plugin in await _states()}[name]


def announce() -> None:
    """Tell the other processes to look."""
    panel().bus.publish(TOPIC)
