"""Importing a plugin and taking in what it contributes; one plugin's failure stays its own."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pluggy

from muntin import hookspecs
from muntin.contributions import (
    AccountUsage,
    AuditWords,
    Command,
    Cron,
    Dialect,
    EventSubscriber,
    HealthCheck,
    HookSpecs,
    JobLimits,
    Lifecycle,
    MailTemplate,
    MayDelete,
    Models,
    Moment,
    NavItem,
    NodeHalfNeeded,
    NodeUsage,
    Permission,
    Route,
    Saga,
    SettingsModel,
    Slot,
    SlotContent,
    Task,
    Templates,
    Veto,
)
from muntin.plugins.discovery import Manifest
from muntin.plugins.loading_checks import problem_of
from muntin.supervisor.marker import as_mark, marker
from muntin.table import shape
from muntin.translation import _

log = logging.getLogger("muntin.plugins")

HOOKS: Mapping[str, tuple[type, ...]] = {
    "muntin_models": (Models,),
    "muntin_permissions": (Permission,),
    "muntin_routes": (Route,),
    "muntin_dialects": (Dialect,),
    "muntin_settings": (SettingsModel,),
    "muntin_events": (type,),
    "muntin_event_subscribers": (EventSubscriber,),
    "muntin_jobs": (Task, Saga, Cron, JobLimits),
    "muntin_mail_templates": (MailTemplate,),
    "muntin_templates": (Templates,),
    "muntin_audit_words": (AuditWords,),
    "muntin_nav_items": (NavItem,),
    "muntin_slots": (Slot,),
    "muntin_slot_contents": (SlotContent,),
    "muntin_commands": (Command,),
    "muntin_node_halves": (NodeHalfNeeded,),
    "muntin_usage": (NodeUsage, AccountUsage),
    "muntin_health_checks": (HealthCheck,),
    "muntin_may_delete": (MayDelete,),
    "muntin_moments": (Moment,),
    "muntin_vetoes": (Veto,),
    "muntin_lifecycle": (Lifecycle,),
    "muntin_hookspecs": (HookSpecs,),
}


class PluginFailed(Exception):
    """A plugin could not be loaded.

    Attributes:
        plugin: Its name.
        reason: What went wrong, for an administrator.
        remedy: What to do about it.
    """

    def __init__(self, plugin: str, reason: str, remedy: str) -> None:
        super().__init__(f"{plugin}: {reason}")
        self.plugin, self.reason, self.remedy = plugin, reason, remedy


@dataclass(frozen=True, slots=True)
class LoadedPlugin:
    """A plugin in memory: what it is and everything it contributes."""

    manifest: Manifest
    module: ModuleType
    contributions: tuple[Any, ...] = field(default=())

    @property
    def name(self) -> str:
        """The plugin's name."""
        return self.manifest.name


def plugin_manager() -> pluggy.PluginManager:
    """A fresh manager that knows the hooks of the core."""
    manager = pluggy.PluginManager("muntin")
    manager.add_hookspecs(hookspecs)
    return manager


def load_plugin(manager: pluggy.PluginManager, manifest: Manifest, taken: Iterable[LoadedPlugin]) -> LoadedPlugin:
    """Import one plugin and take in its contributions.

    Args:
        taken: Plugins loaded before; what they have cannot be claimed twice.

    Raises:
        PluginFailed: Nothing of it is kept.
    """
    if manifest.problem:
        raise PluginFailed(manifest.name, manifest.problem, _("Install a version that fits, or disable the plugin."))
    try:
        with _noted(manifest.name):
            plugin = _loaded(manager, manifest)
            clash = clash_of(plugin, taken)
    except (Exception, SystemExit) as error:
        log.exception("Plugin %s could not be loaded", manifest.name)
        _forget(manager, manifest.name)
        raise PluginFailed(manifest.name, f"{type(error).__name__}: {error}", default_remedy()) from error
    if clash:
        _forget(manager, manifest.name)
        raise PluginFailed(manifest.name, clash, default_remedy())
    return plugin


def default_remedy() -> str:
    """What an administrator does about a plugin that does not work."""
    return _("Tell its author, and disable or uninstall it until there is a new version.")


def _loaded(manager: pluggy.PluginManager, manifest: Manifest) -> LoadedPlugin:
    module = importlib.import_module(manifest.module)
    manager.register(module, manifest.name)
    contributions = tuple(collect_contributions(manifest.name, module))
    for problem in filter(None, map(problem_of, contributions)):
        raise TypeError(problem)
    for models in contributions:
        if isinstance(models, Models) and models.label != manifest.name:
            raise ValueError(
                _("Its tables are labelled {label} instead of {name}.", label=models.label, name=manifest.name)
            )
    for offered in contributions:
        if isinstance(offered, HookSpecs):
            manager.add_hookspecs(offered.module)
    return LoadedPlugin(manifest, module, contributions)


@contextmanager
def _noted(plugin: str) -> Iterator[None]:
    """Note whose code runs and that it is being loaded, for the supervisor, should the process end here."""
    before = marker.enter(as_mark(plugin))
    marker.loading(True)
    try:
        yield
    finally:
        marker.loading(False)
        marker.leave(before)


def _forget(manager: pluggy.PluginManager, name: str) -> None:
    if manager.has_plugin(name):
        manager.unregister(name=name)


def collect_contributions(plugin: str, module: ModuleType) -> Iterable[Any]:
    """Call the module's hook implementations, one by one, and check what they answer.

    Raises:
        TypeError: A hook answered something that it may not.
    """
    for hook, kinds in HOOKS.items():
        implementation = getattr(module, hook, None)
        if implementation is None or not hasattr(implementation, "muntin_impl"):
            continue
        answer = implementation()
        for contribution in [answer] if isinstance(answer, kinds) else (answer or ()):
            if not isinstance(contribution, kinds):
                raise TypeError(f"{hook} answered {contribution!r}, which is none of {_names(kinds)}")
            yield contribution.owned_by(plugin) if isinstance(contribution, Route) else contribution


def _names(kinds: Iterable[type]) -> str:
    return ", ".join(kind.__name__ for kind in kinds)


def _claims(plugin: LoadedPlugin) -> Iterable[str]:
    """What may exist only once in a panel."""
    for one in plugin.contributions:
        match one:
            case Route():
                yield f"route {' '.join(shape(one))}"
            case Permission():
                yield f"permission {one.key}"
            case SettingsModel():
                yield f"settings {one.section}"
            case Dialect() | Task() | Saga() | Cron() | MailTemplate() | Command() | Slot() | Moment() as named:
                yield f"{type(named).__name__.lower()} {named.name}"
            case type() as event:
                yield f"event {getattr(event, 'type', event)}"


def clash_of(plugin: LoadedPlugin, taken: Iterable[LoadedPlugin]) -> str:
    """What the plugin claims although it belongs to another already (or to itself), in words; empty when nothing."""
    claimed = {claim: other.name for other in taken for claim in _claims(other)}
    for claim in _claims(plugin):
        if claim in claimed:
            return _("The {claim} belongs to {other} already.", claim=claim, other=claimed[claim])
        claimed[claim] = plugin.name
    return ""
