"""The plugins of this process: what is loaded, what is enabled, and what the enabled ones contribute."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

import pluggy

from muntin.plugins import CORE as CORE
from muntin.plugins.boundaries import running
from muntin.plugins.discovery import Manifest, installed_plugins
from muntin.plugins.loading import LoadedPlugin, PluginFailed, load_plugin, plugin_manager

log = logging.getLogger("muntin.plugins")
T = TypeVar("T")
Refuse = Callable[[Manifest], None]


@dataclass(frozen=True, slots=True)
class Owned(Generic[T]):
    """A contribution and the name of the plugin it came from."""

    plugin: str
    value: T


@dataclass(frozen=True)
class Snapshot:
    """The contributions of one set of enabled plugins; replaced as a whole, never changed."""

    enabled: frozenset[str]
    plugins: tuple[LoadedPlugin, ...]
    _by_kind: dict[type, tuple[Owned[Any], ...]] = field(default_factory=dict)

    def of(self, kind: type[T]) -> tuple[Owned[T], ...]:
        """Contributions of a kind, by the enabled plugins."""
        found = self._by_kind.get(kind)
        if found is None:
            found = self._by_kind[kind] = tuple(
                Owned(plugin.name, one)
                for plugin in self.plugins
                if plugin.name in self.enabled
                for one in plugin.contributions
                if isinstance(one, kind)
            )
        return found


class Registry:
    """Loaded plugins and the switch between enabled and disabled."""

    def __init__(self, manager: pluggy.PluginManager, plugins: Sequence[LoadedPlugin], failed: Sequence[PluginFailed]):
        self.manager = manager
        self.plugins = tuple(plugins)
        self.failed = tuple(failed)
        self._snapshot = Snapshot(frozenset({CORE}), self.plugins)
        self._listeners: list[Callable[[Snapshot, Snapshot], None]] = []

    @classmethod
    def load(
        cls, core: LoadedPlugin, wanted: Iterable[str] | None = None, *, refuse: Refuse = lambda _manifest: None
    ) -> Registry:
        """Load the core and the wanted installed plugins (`None`: all of them); failures are kept, not raised.

        Args:
            refuse: Asked before a plugin is imported; raises `PluginFailed` for one that is known to do harm.
        """
        manager = plugin_manager()
        manager.register(core.module, CORE)
        plugins, failed = [core], []
        for manifest in in_order(installed_plugins(), wanted):
            try:
                refuse(manifest)
                plugins.append(load_plugin(manager, manifest, plugins))
            except PluginFailed as failure:
                failed.append(failure)
        return cls(manager, plugins, failed)

    @property
    def enabled(self) -> frozenset[str]:
        """Names of the enabled plugins; the core is always among them."""
        return self._snapshot.enabled

    def owner_of(self, module: str) -> str | None:
        """The loaded plugin in whose package a module lies; `None` for the core's modules and those of strangers."""
        while module:
            if module in self._packages:
                return self._packages[module]
            module = module.rpartition(".")[0]
        return None

    @cached_property
    def _packages(self) -> dict[str, str]:
        """Package (or module without one) -> plugin."""
        modules = {one.manifest.module: one.name for one in self.plugins if one.name != CORE}
        return {module.rpartition(".")[0] or module: name for module, name in modules.items()}

    @cached_property
    def names(self) -> frozenset[str]:
        """Names of all loaded plugins."""
        return frozenset(plugin.name for plugin in self.plugins)

    def of(self, kind: type[T]) -> tuple[T, ...]:
        """Contributions of a kind, by the enabled plugins."""
        return tuple(owned.value for owned in self._snapshot.of(kind))

    def owned(self, kind: type[T]) -> tuple[Owned[T], ...]:
        """The same, with the plugin each came from."""
        return self._snapshot.of(kind)

    def known(self, kind: type[T]) -> tuple[Owned[T], ...]:
        """Contributions of a kind, by all loaded plugins whether enabled or not."""
        return Snapshot(self.names, self.plugins).of(kind)

    def collect(self, hook: str) -> list[Owned[Any]]:
        """Call a hook that a plugin offers (`HookSpecs`) on every enabled plugin that implements it.

        A plugin that raises is left out and logged; the others' answers stay.
        """
        answers: list[Owned[Any]] = []
        caller = getattr(self.manager.hook, hook, None)
        for implementation in reversed(caller.get_hookimpls()) if caller else ():
            if implementation.plugin_name not in self.enabled:
                continue
            plugin = implementation.plugin_name
            try:
                with running(plugin, f"hook {hook}"):
                    answer = _told_at_once(implementation.function())
                    listed = answer if isinstance(answer, list | tuple) or hasattr(answer, "__next__") else [answer]
                    answers += [Owned(plugin, one) for one in listed if one is not None]
            except Exception:
                log.exception("Hook %s of plugin %s failed", hook, plugin)
        return answers

    def on_switch(self, listener: Callable[[Snapshot, Snapshot], None]) -> None:
        """Call `listener(before, after)` whenever the set of enabled plugins changes."""
        self._listeners.append(listener)

    def switch(self, enabled: Iterable[str]) -> None:
        """Make exactly these plugins (of the loaded ones, and the core) the enabled ones, at once."""
        before = self._snapshot
        after = Snapshot((frozenset(enabled) & self.names) | {CORE}, self.plugins)
        if after.enabled == before.enabled:
            return
        self._snapshot = after
        for listener in self._listeners:
            listener(before, after)


def _told_at_once(answer: Any) -> Any:
    """The answer itself; hooks are asked while somebody waits, so one that would answer later answers wrong."""
    if inspect.iscoroutine(answer):
        answer.close()
        raise TypeError("A hook answers at once; this one is a coroutine.")
    return answer


def in_order(installed: dict[str, Manifest], wanted: Iterable[str] | None) -> list[Manifest]:
    """Plugins after those they need; the rest by name."""
    names = [name for name in installed if wanted is None or name in set(wanted)]
    by_distribution = {installed[name].distribution.lower().replace("_", "-"): name for name in names}
    ordered: list[str] = []

    def visit(name: str, trail: tuple[str, ...] = ()) -> None:
        if name in ordered or name in trail:
            return
        for distribution in installed[name].requires:
            if distribution in by_distribution:
                visit(by_distribution[distribution], (*trail, name))
        ordered.append(name)

    for name in names:
        visit(name)
    return [installed[name] for name in ordered]
