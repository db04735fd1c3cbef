"""Handlers of the native API; one object for each side."""

from __future__ import annotations

from uuid import UUID

from muntin.access import Actor
from muntin.jobs.own import JobView
from muntin.schemas import Page, PageQuery
from muntin_webhooks.api.bodies import WebhookChange, WebhookIn
from muntin_webhooks.schemas import (
    DeliveryDetail,
    DeliveryQuery,
    EventKind,
    NewWebhook,
    ReplayInput,
    RotationInput,
    Statistics,
    Webhook,
    WebhookDelivery,
)
from muntin_webhooks.services import Services


class WebhookHandlers:
    """From requests to the services of one side."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def list_webhooks(self, actor: Actor, query: PageQuery) -> Page[Webhook]:
        """List webhooks."""
        return await self._services.list_webhooks(actor, query)

    async def create_webhook(self, actor: Actor, webhook: WebhookIn) -> NewWebhook:
        """Create a webhook; its secret is shown this once."""
        return await self._services.create_webhook(actor, webhook.wanted())

    async def list_events(self, actor: Actor) -> list[EventKind]:
        """The types of events one can ask for."""
        return await self._services.list_events(actor)

    async def load_statistics(self, actor: Actor) -> Statistics:
        """Figures of the last 24 hours."""
        return await self._services.load_statistics(actor)

    async def load_webhook(self, actor: Actor, webhook_id: UUID) -> Webhook:
        """One webhook."""
        return await self._services.load_webhook(actor, webhook_id)

    async def update_webhook(self, actor: Actor, webhook_id: UUID, changes: WebhookChange) -> Webhook:
        """Update a webhook; what is left out stays as it is."""
        now = await self._services.load_for_change(actor, webhook_id)
        return await self._services.update_webhook(actor, webhook_id, changes.wanted(now.type))

    async def delete_webhook(self, actor: Actor, webhook_id: UUID) -> None:
        """Delete a webhook with its log."""
        await self._services.delete_webhook(actor, webhook_id)

    async def rotate_secret(self, actor: Actor, webhook_id: UUID, wanted: RotationInput) -> NewWebhook:
        """Make a new secret; the old one is signed with too for a while."""
        return await self._services.rotate_secret(actor, webhook_id, wanted)

    async def send_test(self, actor: Actor, webhook_id: UUID) -> WebhookDelivery:
        """Send a test event."""
        return await self._services.send_test(actor, webhook_id)

    async def replay(self, actor: Actor, webhook_id: UUID, wanted: ReplayInput) -> JobView:
        """Send the messages of a time window again: a job that queues them."""
        return await self._services.replay(actor, webhook_id, wanted)

    async def load_figures(self, actor: Actor, webhook_id: UUID) -> Statistics:
        """Figures of the last 24 hours of one webhook."""
        return await self._services.load_figures(actor, webhook_id)

    async def list_deliveries(self, actor: Actor, webhook_id: UUID, query: DeliveryQuery) -> Page[WebhookDelivery]:
        """Delivery log."""
        return await self._services.list_deliveries(actor, webhook_id, query)

    async def load_delivery(self, actor: Actor, webhook_id: UUID, delivery_id: UUID) -> DeliveryDetail:
        """One delivery with what was sent and answered."""
        return await self._services.load_delivery(actor, webhook_id, delivery_id)

    async def redeliver(self, actor: Actor, webhook_id: UUID, delivery_id: UUID) -> WebhookDelivery:
        """Send the same message once more."""
        return await self._services.redeliver(actor, webhook_id, delivery_id)
