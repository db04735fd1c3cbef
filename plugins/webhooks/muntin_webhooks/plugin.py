"""What webhooks add to the panel."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from muntin.bus import Json, Unsubscribe
from muntin.contributions import (
    AccountUsage,
    AuditWords,
    Cron,
    EventSubscriber,
    HealthCheck,
    HookSpecs,
    Lifecycle,
    MailTemplate,
    Models,
    NavItem,
    Permission,
    Route,
    Saga,
    SettingsModel,
    SlotContent,
    Task,
    Templates,
)
from muntin.events import Event
from muntin.panel import Panel
from muntin.plugins import hookimpl
from muntin.translation import _
from muntin_webhooks import audit_words, events, hookspecs, permissions
from muntin_webhooks.api import routes as api_routes
from muntin_webhooks.deliveries import housekeeping, replaying
from muntin_webhooks.deliveries.interested import forget
from muntin_webhooks.deliveries.recording import record_event
from muntin_webhooks.endpoints.health import check_webhooks, count_webhooks
from muntin_webhooks.pages import contributions as page_contributions
from muntin_webhooks.pages import routes as page_routes
from muntin_webhooks.sending.disabling import MAIL
from muntin_webhooks.sending.sender import Sender
from muntin_webhooks.settings import WebhookSettings
from muntin_webhooks.telling import CHANGED_TOPIC, DUE_TOPIC

PLUGIN = "webhooks"


@hookimpl
def muntin_models() -> Models:
    return Models(label=PLUGIN, modules=("muntin_webhooks.models",), migrations="muntin_webhooks.migrations")


@hookimpl
def muntin_permissions() -> Iterable[Permission]:
    yield from permissions.PERMISSIONS


@hookimpl
def muntin_routes() -> Iterable[Route]:
    for module in (api_routes, page_routes):
        yield from module.routes


@hookimpl
def muntin_settings() -> Iterable[SettingsModel]:
    yield SettingsModel(section=PLUGIN, model=WebhookSettings, title=_("Webhooks"), order=200)


@hookimpl
def muntin_events() -> Iterable[type[Event]]:
    yield from events.EVENTS


@hookimpl
def muntin_event_subscribers() -> Iterable[EventSubscriber]:
    yield EventSubscriber(name="record", event_types=("*",), handler=record_event)
    yield EventSubscriber(name="forget_account", event_types=("user.deleted",), handler=housekeeping.account_deleted)


@hookimpl
def muntin_audit_words() -> Iterable[AuditWords]:
    yield from audit_words.WORDS


@hookimpl
def muntin_jobs() -> Iterable[Task | Saga | Cron]:
    yield from housekeeping.JOBS
    yield from replaying.JOBS


@hookimpl
def muntin_mail_templates() -> Iterable[MailTemplate]:
    yield MailTemplate(
        name=MAIL,
        template="webhooks/mail/disabled",
        subject="{{ _('Webhook {name} was switched off', name=name) }}",
        sample={
            "name": "Deployments",
            "reason": "Nothing got through for 72 hours.",
            "url": "https://panel.example.org/webhooks/1",
        },
    )


@hookimpl
def muntin_templates() -> Templates:
    return Templates(templates=Path(__file__).parent / "templates")


@hookimpl
def muntin_nav_items() -> Iterable[NavItem]:
    yield from page_contributions.NAV_ITEMS


@hookimpl
def muntin_slot_contents() -> Iterable[SlotContent]:
    yield from page_contributions.CONTENTS


@hookimpl
def muntin_usage() -> Iterable[AccountUsage]:
    yield AccountUsage(kind="webhooks", count=count_webhooks)


@hookimpl
def muntin_health_checks() -> Iterable[HealthCheck]:
    yield HealthCheck(name="webhooks", check=check_webhooks)


@hookimpl
def muntin_hookspecs() -> HookSpecs:
    return HookSpecs(module=hookspecs)


_subscriptions: list[Unsubscribe] = []


async def _start(panel: Panel) -> None:
    forget()
    sender = Sender()

    def changed(topic: str, data: Json) -> None:
        sender.changed(UUID(str(data)))

    _subscriptions.append(panel.bus.subscribe(DUE_TOPIC, lambda topic, data: sender.wake()))
    _subscriptions.append(panel.bus.subscribe(CHANGED_TOPIC, changed))
    panel.start_task(PLUGIN, sender.run(), name="webhooks")


async def _stop(panel: Panel) -> None:
    while _subscriptions:
        _subscriptions.pop()()


@hookimpl
def muntin_lifecycle() -> Iterable[Lifecycle]:
    yield Lifecycle(start=_start, stop=_stop, processes=("worker",))
