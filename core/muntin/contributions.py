"""What a plugin can add to the panel: frozen values, returned by hooks when the plugin is loaded.

Nothing here is called per request by way of hooks. What has to run later is an async callable inside
a contribution; the core calls it with a deadline and its own error boundary. `hookspecs.py` says
which hook returns which of these.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from pydantic import BaseModel

from muntin.access import Actor, Permission
from muntin.dialects import Dialect
from muntin.events import EventEnvelope
from muntin.jobs.contributions import Cron, JobLimits, Saga, Task
from muntin.routing import Route, Routes

if TYPE_CHECKING:
    import typer

    from muntin.panel import Panel

__all__ = [
    "AccountUsage",
    "AuditWords",
    "Command",
    "Cron",
    "Dialect",
    "EventSubscriber",
    "HealthCheck",
    "HealthReport",
    "HookSpecs",
    "JobLimits",
    "Lifecycle",
    "MailTemplate",
    "MayDelete",
    "Models",
    "Moment",
    "NavItem",
    "NodeHalfNeeded",
    "NodeUsage",
    "Objection",
    "Permission",
    "Promised",
    "Route",
    "Routes",
    "Saga",
    "SettingsModel",
    "Slot",
    "SlotContent",
    "Task",
    "Templates",
    "Veto",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """The tables of a plugin: one Tortoise app with its own migrations.

    Attributes:
        label: The app's label and the prefix of its tables; the plugin's name.
        modules: Dotted names of the modules that hold the models.
        migrations: Dotted name of the migrations package.
    """

    label: str
    modules: tuple[str, ...]
    migrations: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsModel:
    """A section of the panel's settings: form, API, CLI and environment names come from the model.

    Attributes:
        section: Key under which it is stored, read and shown.
        model: Defaults, limits and help texts; `SecretStr` fields are encrypted and never shown.
        title: Heading on the settings page.
        permission: Who may read and change the section.
        order: Ascending on the settings page.
    """

    section: str
    model: type[BaseModel]
    title: str
    permission: str = "admin.settings.general"
    order: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSubscriber:
    """Wants to hear of events, at least once each, in order per resource.

    Attributes:
        name: Unique within the plugin; keeps its place across restarts.
        event_types: Exact types or wildcards (`server.*`, `*`).
        handler: Gets one event; raising means "again later, with back-off".
        timeout_s: After this the attempt counts as failed.
        max_attempts: Tries before the event is put aside as a dead letter; twelve take about half a day.
        concurrency: Resources whose events are handled at the same time, in each worker.
    """

    name: str
    event_types: tuple[str, ...]
    handler: Callable[[EventEnvelope], Awaitable[None]]
    timeout_s: float = 30.0
    max_attempts: int = 12
    concurrency: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class MailTemplate:
    """A mail the plugin sends: `<template>.txt` and `<template>.html` in its template folder.

    Attributes:
        name: What `muntin.mail.send` is called with, e.g. `gameservers.installed`.
        template: Path without ending, `gameservers/mail/installed`; a theme overrides it by path.
        subject: A template line of its own.
        sample: Values for the preview on the settings page.
    """

    name: str
    template: str
    subject: str
    sample: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditWords:
    """What the audit log and the pages of activity say of one event.

    Attributes:
        event: As it is recorded, `server.created`.
        words: Already translated; `{name}` is replaced by what was recorded under that name.
    """

    event: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NavItem:
    """One entry of the side bar.

    Attributes:
        label: Already translated.
        path: Where it leads.
        icon: Name in the panel's icon sprite.
        section: `main`, `account` or `admin`.
        permission: Hidden from whoever lacks it.
        order: Ascending; equal orders sort by label.
    """

    label: str
    path: str
    icon: str = "point"
    section: Literal["main", "account", "admin"] = "main"
    permission: str | None = None
    order: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Templates:
    """Folders of a plugin's own files: Jinja templates and static assets.

    Attributes:
        templates: Holds one folder named after the plugin, so that themes override by path.
        static: Served under `/static/<plugin>/`.
    """

    templates: Path
    static: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A named place in a page where plugins may show something.

    Attributes:
        name: e.g. `dashboard.cards`.
        description: What fits there, and which values of the page a content gets.
        version: Raised when the values change incompatibly.
    """

    name: str
    description: str
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotContent:
    """Something shown in a slot, rendered within an error boundary and a time limit.

    Attributes:
        slot: The slot's name.
        template: Rendered with what `load` answers.
        load: Gets the actor and the page's values; `None` shows nothing.
        title: For slots that show tabs.
        permission: Left out for whoever lacks it.
        order: Ascending; equal orders sort by title, then by plugin.
        version: The slot's version it was written for; in another one it is left out, and administrators are told.
    """

    slot: str
    template: str
    load: Callable[[Actor, Mapping[str, Any]], Awaitable[Mapping[str, Any] | None]] | None = None
    title: str = ""
    permission: str | None = None
    order: int = 100
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A group of commands under `muntin <name>`.

    Attributes:
        app: Gives the Typer application; called only when the group is used, so imports stay cheap.
    """

    name: str
    help: str
    app: Callable[[], typer.Typer]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeHalfNeeded:
    """The plugin has a half on nodes, offered by the same distribution in group `muntin.node`.

    Attributes:
        name: The half's name; the agent reports it with its version.
        capabilities: What it does there, in words an operator understands.
        paths: Beginnings of the addresses on the node that are its; they are not called while its version does not fit.
    """

    name: str
    capabilities: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """What workloads of one node were promised in sum."""

    memory_mib: int = 0
    disk_mib: int = 0
    cpu_percent: int = 0
    workloads: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeUsage:
    """Tells what a plugin's workloads take of nodes.

    Attributes:
        promised: Gets ids of nodes; answers those that have workloads of this plugin.
    """

    promised: Callable[[Sequence[UUID]], Awaitable[Mapping[UUID, Promised]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountUsage:
    """Tells how many things of one kind accounts own.

    Attributes:
        kind: In the plural: `servers`, `zones`.
        count: Gets ids of accounts; answers those that own any.
    """

    kind: str
    count: Callable[[Sequence[UUID]], Awaitable[Mapping[UUID, int]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """One finding of a health check.

    Attributes:
        ok: Whether all is well.
        summary: One sentence of what was seen.
        remedy: What to do about it; empty when all is well.
        needed: Whether the panel is not ready without it (`/readyz`).
    """

    ok: bool
    summary: str
    remedy: str = ""
    needed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """Something `/readyz`, `muntin doctor` and the admin overview look at."""

    name: str
    check: Callable[[], Awaitable[HealthReport]]
    timeout_s: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """Why a thing may not be deleted: shown with the name of the plugin that objects."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MayDelete:
    """Asked before an object that others refer to is deleted.

    Attributes:
        kind: What is to be deleted: `account`, `node`, `role`, or a plugin's own kind.
        check: Gets its id; answers the objections, none if it may go.
    """

    kind: str
    check: Callable[[UUID | int], Awaitable[tuple[Objection, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Something that plugins may object to before it happens; whoever does it asks with `muntin.vetoes.ask`.

    Attributes:
        name: What is about to happen, in the present: `server.create`.
        description: When it is asked, and which facts a check gets.
    """

    name: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Veto:
    """Asked before something happens; an objection keeps it from happening, with 409 and the reason.

    Attributes:
        moment: Name of a `Moment`.
        check: Gets the actor and the facts; answers an objection, or `None` if it may happen.
        timeout_s: After this there is no answer.
        on_error: What holds without an answer: `allow` (the panel goes on) or `refuse`.
    """

    moment: str
    check: Callable[[Actor, Mapping[str, Any]], Awaitable[Objection | None]]
    timeout_s: float = 2.0
    on_error: Literal["allow", "refuse"] = "allow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """Runs when the plugin becomes enabled in a process, and before it stops being so.

    Attributes:
        processes: Where: `web`, `worker`.
        start: Gets the panel; may start tasks through `panel.tasks(plugin)`, which die with the plugin.
        stop: Has five seconds.
    """

    start: Callable[[Panel], Awaitable[None]] | None = None
    stop: Callable[[Panel], Awaitable[None]] | None = None
    processes: tuple[Literal["web", "worker"], ...] = ("web", "worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSpecs:
    """Hooks this plugin offers to other plugins; their implementations are collected by `Panel.collect`."""

    module: ModuleType
