"""`/api/v1/admin/webhooks`: webhooks of the panel."""

from __future__ import annotations

from uuid import UUID

from muntin.access import Actor
from muntin.routing import Routes
from muntin.schemas import Page, PageQuery
from muntin_webhooks.api.bodies import WebhookChange, WebhookIn
from muntin_webhooks.deliveries import catalogue
from muntin_webhooks.deliveries import panelwide as deliveries
from muntin_webhooks.endpoints import panelwide as endpoints
from muntin_webhooks.errors import DestinationMissing, TooManySecrets
from muntin_webhooks.schemas import (
    DeliveryDetail,
    DeliveryQuery,
    EventKind,
    NewWebhook,
    Replay,
    ReplayInput,
    RotationInput,
    Statistics,
    Webhook,
    WebhookDelivery,
)

routes = Routes(dialect="native", prefix="/api/v1/admin/webhooks", tags=("webhooks",))
ONE = "/<uuid:webhook_id>"
DELIVERY = f"{ONE}/deliveries/<uuid:delivery_id>"


@routes.get("", query=PageQuery, returns=Page[Webhook], service=endpoints.list_webhooks)
async def admin_list_webhooks(actor: Actor, query: PageQuery) -> Page[Webhook]:
    """List webhooks."""
    return await endpoints.list_webhooks(actor, query)


@routes.post("", body=WebhookIn, returns=NewWebhook, status=201, service=endpoints.create_webhook)
async def admin_create_webhook(actor: Actor, webhook: WebhookIn) -> NewWebhook:
    """Create a webhook; its secret is shown this once."""
    return await endpoints.create_webhook(actor, webhook.wanted())


@routes.get("/events", returns=list[EventKind], service=catalogue.list_all_events)
async def admin_list_events(actor: Actor) -> list[EventKind]:
    """The types of events one can ask for."""
    return await catalogue.list_all_events(actor)


@routes.get("/statistics", returns=Statistics, service=deliveries.load_statistics)
async def admin_load_statistics(actor: Actor) -> Statistics:
    """Figures of the last 24 hours."""
    return await deliveries.load_statistics(actor)


@routes.get(ONE, returns=Webhook, service=endpoints.load_webhook)
async def admin_load_webhook(actor: Actor, webhook_id: UUID) -> Webhook:
    """One webhook."""
    return await endpoints.load_webhook(actor, webhook_id)


@routes.put(ONE, body=WebhookChange, returns=Webhook, service=endpoints.update_webhook)
async def admin_update_webhook(actor: Actor, webhook_id: UUID, changes: WebhookChange) -> Webhook:
    """Update a webhook; what is left out stays as it is."""
    now = await endpoints.load_for_change(actor, webhook_id)
    return await endpoints.update_webhook(actor, webhook_id, changes.wanted(now.type))


@routes.delete(ONE, service=endpoints.delete_webhook)
async def admin_delete_webhook(actor: Actor, webhook_id: UUID) -> None:
    """Delete a webhook with its log."""
    await endpoints.delete_webhook(actor, webhook_id)


@routes.post(
    f"{ONE}/secret", body=RotationInput, returns=NewWebhook, service=endpoints.rotate_secret, errors=(TooManySecrets,)
)
async def admin_rotate_secret(actor: Actor, webhook_id: UUID, wanted: RotationInput) -> NewWebhook:
    """Make a new secret; the old one is signed with too for a while."""
    return await endpoints.rotate_secret(actor, webhook_id, wanted)


@routes.post(f"{ONE}/test", returns=WebhookDelivery, service=deliveries.send_test, errors=(DestinationMissing,))
async def admin_send_test(actor: Actor, webhook_id: UUID) -> WebhookDelivery:
    """Send a test event."""
    return await deliveries.send_test(actor, webhook_id)


@routes.post(f"{ONE}/replay", body=ReplayInput, returns=Replay, status=202, service=deliveries.replay)
async def admin_replay(actor: Actor, webhook_id: UUID, wanted: ReplayInput) -> Replay:
    """Send the messages of a time window again."""
    return await deliveries.replay(actor, webhook_id, wanted)


@routes.get(f"{ONE}/statistics", returns=Statistics, service=deliveries.load_figures)
async def admin_load_figures(actor: Actor, webhook_id: UUID) -> Statistics:
    """Figures of the last 24 hours of one webhook."""
    return await deliveries.load_figures(actor, webhook_id)


@routes.get(f"{ONE}/deliveries", query=DeliveryQuery, returns=Page[WebhookDelivery], service=deliveries.list_deliveries)
async def admin_list_deliveries(actor: Actor, webhook_id: UUID, query: DeliveryQuery) -> Page[WebhookDelivery]:
    """Delivery log."""
    return await deliveries.list_deliveries(actor, webhook_id, query)


@routes.get(DELIVERY, returns=DeliveryDetail, service=deliveries.load_delivery)
async def admin_load_delivery(actor: Actor, webhook_id: UUID, delivery_id: UUID) -> DeliveryDetail:
    """One delivery with what was sent and answered."""
    return await deliveries.load_delivery(actor, webhook_id, delivery_id)


@routes.post(f"{DELIVERY}/redeliver", returns=WebhookDelivery, status=202, service=deliveries.redeliver)
async def admin_redeliver(actor: Actor, webhook_id: UUID, delivery_id: UUID) -> WebhookDelivery:
    """Send the same message once more."""
    return await deliveries.redeliver(actor, webhook_id, delivery_id)
