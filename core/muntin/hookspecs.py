"""Every hook of the core, on one page.

A hook is called once, with no arguments, when its plugin is loaded; it is synchronous and returns
(or yields) contributions. A plugin that raises here is not loaded: its name, the error and the
remedy are shown to administrators, and everybody else's contributions stay. Implementations are
called one by one in the order of plugin names, so one failure costs one plugin.

    from muntin.plugins import hookimpl

    @hookimpl
    def muntin_nav_items():
        yield NavItem(label=_("Invoices"), path="/billing", permission="billing.read")

Adding a hook or a field with a default is compatible; renaming one is not. `docs/plugins/` has a
page for each.
"""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

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
from muntin.events import Event

hookspec = pluggy.HookspecMarker("muntin")


@hookspec
def muntin_models() -> Models:
    """The plugin's tables and migrations."""


@hookspec
def muntin_permissions() -> Iterable[Permission]:
    """Permissions that roles, keys and owners can hold; they stay valid (but inert) while disabled."""


@hookspec
def muntin_routes() -> Iterable[Route]:
    """Routes of any dialect: API, pages, websockets. The same path twice in one dialect is refused."""


@hookspec
def muntin_dialects() -> Iterable[Dialect]:
    """API surfaces: how requests are claimed, authenticated, limited, rendered."""


@hookspec
def muntin_settings() -> Iterable[SettingsModel]:
    """Sections of the settings."""


@hookspec
def muntin_events() -> Iterable[type[Event]]:
    """The types of events the plugin records."""


@hookspec
def muntin_event_subscribers() -> Iterable[EventSubscriber]:
    """Who wants to hear of events. Called in the worker, at least once per event."""


@hookspec
def muntin_jobs() -> Iterable[Task | Saga | Cron | JobLimits]:
    """Durable work: tasks, sagas, cron lines that start tasks, and how much of the workers they may take."""


@hookspec
def muntin_mail_templates() -> Iterable[MailTemplate]:
    """Mails the plugin sends."""


@hookspec
def muntin_templates() -> Templates:
    """Folders with the plugin's templates and static files."""


@hookspec
def muntin_audit_words() -> Iterable[AuditWords]:
    """Sentences for what the plugin records in the audit log."""


@hookspec
def muntin_nav_items() -> Iterable[NavItem]:
    """Entries of the side bar."""


@hookspec
def muntin_slots() -> Iterable[Slot]:
    """Places in the plugin's own pages that are open to other plugins."""


@hookspec
def muntin_slot_contents() -> Iterable[SlotContent]:
    """What the plugin shows in slots of the core or of other plugins."""


@hookspec
def muntin_commands() -> Iterable[Command]:
    """Groups of commands for `muntin`."""


@hookspec
def muntin_node_halves() -> Iterable[NodeHalfNeeded]:
    """What of the plugin runs on nodes."""


@hookspec
def muntin_usage() -> Iterable[NodeUsage | AccountUsage]:
    """What the plugin's workloads take of nodes, and how many things of it accounts own."""


@hookspec
def muntin_health_checks() -> Iterable[HealthCheck]:
    """What `/readyz`, `muntin doctor` and the overview look at."""


@hookspec
def muntin_may_delete() -> Iterable[MayDelete]:
    """Objections to deleting accounts, nodes, roles or other plugins' objects."""


@hookspec
def muntin_moments() -> Iterable[Moment]:
    """What the plugin asks others about before it does it."""


@hookspec
def muntin_vetoes() -> Iterable[Veto]:
    """Objections to what the core or other plugins are about to do."""


@hookspec
def muntin_lifecycle() -> Iterable[Lifecycle]:
    """What runs when the plugin starts and stops in a process."""


@hookspec
def muntin_hookspecs() -> HookSpecs:
    """Hooks that this plugin offers to other plugins."""
