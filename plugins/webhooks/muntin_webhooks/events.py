"""What happens to webhooks themselves. Deliveries are no events: they would beget further ones."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from muntin.events import Event


class WebhookEvent(Event):
    """Something that happened to a webhook."""

    subject: ClassVar[str] = "webhook_id"
    concerns: ClassVar[tuple[str, ...]] = ("account_id",)

    webhook_id: UUID
    name: str
    account_id: UUID | None = None


class WebhookCreated(WebhookEvent):
    """A webhook was made."""

    type = "webhook.created"


class WebhookUpdated(WebhookEvent):
    """A webhook was changed; values are not told."""

    type = "webhook.updated"

    changed: tuple[str, ...] = ()


class WebhookDeleted(WebhookEvent):
    """A webhook was deleted."""

    type = "webhook.deleted"


class WebhookDisabled(WebhookEvent):
    """A webhook was switched off because nothing got through any more."""

    type = "webhook.disabled"

    reason: str


EVENTS = (WebhookCreated, WebhookUpdated, WebhookDeleted, WebhookDisabled)
