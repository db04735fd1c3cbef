"""What was sent by the webhooks of the panel."""

from __future__ import annotations

from uuid import UUID

from muntin.access import Actor, guarded
from muntin.schemas import Page
from muntin_webhooks.deliveries import again, log, statistics
from muntin_webhooks.models import PanelEndpointRow
from muntin_webhooks.permissions import ADMIN
from muntin_webhooks.schemas import (
    DeliveryDetail,
    DeliveryQuery,
    Replay,
    ReplayInput,
    Statistics,
    WebhookDelivery,
)


@guarded(ADMIN, on=PanelEndpointRow)
async def list_deliveries(actor: Actor, row: PanelEndpointRow, query: DeliveryQuery) -> Page[WebhookDelivery]:
    """The log of a webhook."""
    return await log.page(row, query)


@guarded(ADMIN, on=PanelEndpointRow)
async def load_delivery(actor: Actor, row: PanelEndpointRow, delivery_id: UUID) -> DeliveryDetail:
    """All that is known of one delivery."""
    return await log.detail(row, delivery_id)


@guarded(ADMIN, on=PanelEndpointRow)
async def redeliver(actor: Actor, row: PanelEndpointRow, delivery_id: UUID) -> WebhookDelivery:
    """Send the same message once more."""
    return await again.redeliver(actor, row, delivery_id)


@guarded(ADMIN, on=PanelEndpointRow)
async def replay(actor: Actor, row: PanelEndpointRow, wanted: ReplayInput) -> Replay:
    """Send the messages of a time window again."""
    return await again.replay(actor, row, wanted)


@guarded(ADMIN, on=PanelEndpointRow)
async def send_test(actor: Actor, row: PanelEndpointRow) -> WebhookDelivery:
    """Send a test event now."""
    return await again.send_test(actor, row)


@guarded(ADMIN, on=PanelEndpointRow)
async def load_figures(actor: Actor, row: PanelEndpointRow) -> Statistics:
    """Figures of one webhook."""
    return await statistics.of_webhook(row.id)


@guarded(ADMIN)
async def load_statistics(actor: Actor) -> Statistics:
    """Figures of all of them."""
    return await statistics.of_panel()
