"""The panel of one process: everything that lives as long as it does, opened and closed in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from functools import partial
from typing import Any, Literal

from muntin import runtime
from muntin.bus import Bus, Json, open_bus
from muntin.bus.counters import Limits
from muntin.configuration import Configuration
from muntin.connections import Connections
from muntin.contributions import Dialect, Lifecycle, Models, Route
from muntin.core_plugin import load_core
from muntin.database import App, close_database, open_database
from muntin.plugins import states
from muntin.plugins.boundaries import Deadlines, within
from muntin.plugins.boundaries_steps import TaskFactory
from muntin.plugins.breaker import Breaker
from muntin.plugins.generations import activate
from muntin.plugins.modules import plugin_of_module
from muntin.plugins.presence import answer_roll_calls
from muntin.plugins.probing import Verdicts
from muntin.plugins.quarantine import quarantine
from muntin.plugins.registry import Owned, Registry, Snapshot
from muntin.settings.snapshot import Settings
from muntin.table import RouteTables
from muntin.tasks import PluginTasks
from muntin.templating import TemplateRoom
from muntin.versions import Versions

log = logging.getLogger("muntin.panel")

ProcessKind = Literal["web", "worker", "command"]


class Panel:
    """What requests, jobs and commands of this process work with.

    Attributes:
        configuration: What the operator set from outside.
        registry: Plugins and their contributions.
        tables: Routes of the enabled plugins, by dialect; replaced when the set changes.
        bus: To and from the other processes.
        limits: Counters shared with the other processes.
        settings: What administrators set, as typed sections.
        versions: Watches for changes whose message was missed.
        connections: Open sockets and streams.
        templates: Jinja, with the enabled plugins' folders.
        tasks: Background tasks, which die with their plugin.
        breaker: Takes out plugins that fail again and again.
        deadlines: How long plugins are waited for.
    """

    bus: Bus
    limits: Limits

    def __init__(self, configuration: Configuration, *, process: ProcessKind = "web", bus: Bus | None = None) -> None:
        self._given_bus = bus  # instead of the one the configuration asks for
        self.configuration = configuration
        self.process: ProcessKind = process
        self.generation = activate(configuration.data_dir)  # of the plugins that the operator installed
        wanted = () if configuration.safe_mode else configuration.plugins
        self.registry = Registry.load(load_core(), wanted, refuse=Verdicts(configuration.data_dir).refuse)
        self.connections = Connections()
        self.versions = Versions()
        self.settings = Settings(self)
        self.tasks = PluginTasks()
        self.breaker = Breaker(quarantine, lambda work, name: self.start_task("core", work, name=name))
        self.deadlines = Deadlines()
        self.templates = TemplateRoom(self.registry, configuration)
        self._tables: RouteTables | None = None
        self.registry.on_switch(self._switched)

    @property
    def apps(self) -> list[App]:
        """The tables of the core and of every loaded plugin."""
        models = [owned.value for owned in self.registry.known(Models)]
        return [App(label=one.label, models=one.modules, migrations=one.migrations) for one in models]

    async def open(self) -> None:
        """Connect to the store and the bus, read what is enabled, start what the plugins start."""
        await open_database(self.configuration.store_url, self.apps)
        self.bus = self._given_bus or await open_bus(self.configuration)
        self.limits = Limits(self.bus)
        self.limits.open()
        runtime.bind(self)
        factory = TaskFactory(plugin_of_module(self.registry), self.tasks.adopt)
        asyncio.get_running_loop().set_task_factory(factory)
        self.breaker.open(self.bus)
        self.registry.on_switch(self.breaker.switched)
        await self.settings.open()
        await states.record_loaded(self.registry)
        self.registry.switch(await states.enabled_names(self.registry))
        self.versions.watch(states.VERSION, self.reload_plugins)
        self.bus.subscribe(states.TOPIC, self._plugins_changed)
        answer_roll_calls(self)
        await self._start(frozenset({"core"}))
        await self.versions.open()

    async def close(self) -> None:
        """Stop in the reverse order; what does not stop in time is left behind."""
        await self.versions.close()
        for plugin in sorted(self.registry.enabled, reverse=True):
            await self._stop(plugin)
        await self.tasks.close()
        self.limits.close()
        self.breaker.close()
        asyncio.get_running_loop().set_task_factory(None)
        await self.bus.close()
        await close_database()
        runtime.bind(None)

    async def reload_plugins(self) -> None:
        """Read which plugins are enabled and act on it, in this process."""
        self.registry.switch(await states.enabled_names(self.registry))

    def collect(self, hook: str) -> list[Owned[Any]]:
        """The answers of all enabled plugins to a hook that a plugin offers."""
        return self.registry.collect(hook)

    def start_task(self, plugin: str, work: Coroutine[Any, Any, None], *, name: str) -> None:
        """Run something in the background until the plugin is disabled or the process ends."""
        self.tasks.start(plugin, work, name=name)

    async def _plugins_changed(self, topic: str, data: Json) -> None:
        await self.reload_plugins()

    @property
    def tables(self) -> RouteTables:
        """Built when they are asked for: jobs and commands serve no routes."""
        if self._tables is None:
            self._tables = self._built_tables()
        return self._tables

    def _built_tables(self) -> RouteTables:
        dialects = self.registry.owned(Dialect)  # type: ignore[type-abstract]  # a kind to look up, never to make
        return RouteTables(((one.plugin, one.value) for one in dialects), self.registry.of(Route))

    def _switched(self, before: Snapshot, after: Snapshot) -> None:
        """Swap the tables at once; end what gone plugins held open; start and stop in the background."""
        self._tables = self._built_tables() if self.process == "web" else None
        self.templates.refresh()
        for plugin in before.enabled - after.enabled:
            ended = self.connections.end_plugin(plugin)
            log.info("Plugin %s is disabled; %d connections ended", plugin, ended)
            self.tasks.start("core", self._stop(plugin), name=f"stop:{plugin}")
        for plugin in after.enabled - before.enabled:
            log.info("Plugin %s is enabled", plugin)
            self.tasks.start("core", self._start(frozenset({plugin})), name=f"start:{plugin}")

    async def _start(self, plugins: frozenset[str]) -> None:
        for owned in self.registry.known(Lifecycle):
            if owned.plugin in plugins and owned.value.start and self.process in owned.value.processes:
                start = partial(owned.value.start, self)
                try:
                    await within(owned.plugin, "start", start, deadline_s=self.deadlines.start_s)
                except Exception:
                    log.exception("Plugin %s did not start", owned.plugin)

    async def _stop(self, plugin: str) -> None:
        for owned in self.registry.known(Lifecycle):
            if owned.plugin == plugin and owned.value.stop and self.process in owned.value.processes:
                stop = partial(owned.value.stop, self)
                try:
                    await within(owned.plugin, "stop", stop, deadline_s=self.deadlines.stop_s)
                except Exception:
                    log.exception("Plugin %s did not stop", owned.plugin)
        await self.tasks.end(plugin, within_s=self.deadlines.stop_s)
