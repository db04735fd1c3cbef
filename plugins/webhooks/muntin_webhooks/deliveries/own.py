"""What was sent by one's own webhooks."""

from __future__ import annotations

from uuid import UUID

from muntin.access import Actor, guarded
from muntin.errors import NotFound
from muntin.schemas import Page
from muntin_webhooks.deliveries import again, log, statistics
from muntin_webhooks.models import EndpointRow
from muntin_webhooks.permissions import MANAGE, READ
from muntin_webhooks.schemas import (
    DeliveryDetail,
    DeliveryQuery,
    Replay,
    ReplayInput,
    Statistics,
    WebhookDelivery,
)


@guarded(READ, on=EndpointRow)
async def list_deliveries(actor: Actor, row: EndpointRow, query: DeliveryQuery) -> Page[WebhookDelivery]:
    """The log of a webhook."""
    return await log.page(row, query)


@guarded(READ, on=EndpointRow)
async def load_delivery(actor: Actor, row: EndpointRow, delivery_id: UUID) -> DeliveryDetail:
    """All that is known of one delivery."""
    return await log.detail(row, delivery_id)


@guarded(MANAGE, on=EndpointRow)
async def redeliver(actor: Actor, row: EndpointRow, delivery_id: UUID) -> WebhookDelivery:
    """Send the same message once more."""
    return await again.redeliver(actor, row, delivery_id)


@guarded(MANAGE, on=EndpointRow)
async def replay(actor: Actor, row: EndpointRow, wanted: ReplayInput) -> Replay:
    """Send the messages of a time window again."""
    return await again.replay(actor, row, wanted)


@guarded(MANAGE, on=EndpointRow)
async def send_test(actor: Actor, row: EndpointRow) -> WebhookDelivery:
    """Send a test event now."""
    return await again.send_test(actor, row)


@guarded(READ, on=EndpointRow)
async def load_figures(actor: Actor, row: EndpointRow) -> Statistics:
    """Figures of one webhook."""
    return await statistics.of_webhook(row.id)


@guarded(READ)
async def load_statistics(actor: Actor) -> Statistics:
    """Figures of all of them."""
    if actor.account_id is None:
        raise NotFound
    return await statistics.of_account(actor.account_id)
