"""Sending one message again, and sending a test."""

from __future__ import annotations

from uuid import UUID

from muntin import audit, clock
from muntin.access import Actor
from muntin.database import transaction, uuid7
from muntin.errors import NotFound
from muntin.events import EventEnvelope
from muntin.outgoing import OutgoingClient
from muntin_webhooks.deliveries.log import find
from muntin_webhooks.deliveries.recording import Queued, id_of, now_ms, store_deliveries, store_message
from muntin_webhooks.deliveries.shown import shown
from muntin_webhooks.errors import DestinationMissing
from muntin_webhooks.models import FAILED, SUCCESS, DeliveryRow, EndpointRow, MessageRow
from muntin_webhooks.schemas import WebhookDelivery
from muntin_webhooks.sending.attempt import Outcome, attempt
from muntin_webhooks.sending.receiver import receiver_of
from muntin_webhooks.sending.waiting import read_one

TEST_TYPE = "webhook.test"
TESTING = "testing"
"""State of a test while it is sent; senders leave it alone."""


async def redeliver(actor: Actor, row: EndpointRow, delivery_id: UUID) -> WebhookDelivery:
    """Queue the same message once more, with the same `webhook-id`.

    Raises:
        NotFound: It is none of the webhook's, or its message is no longer kept.
    """
    old = await find(row, delivery_id)
    if not await MessageRow.filter(id=old.message_id).exists():
        raise NotFound
    queued = Queued(endpoint_id=row.id, message_id=old.message_id, type=old.type, occasion=str(uuid7()))
    async with transaction() as events:
        await store_deliveries(events, [queued])
        await audit.record(events, actor, "webhook.redelivered", ("webhook", row.id), {"event": str(old.message_id)})
    return shown(await find(row, queued.id))


async def send_test(actor: Actor, row: EndpointRow) -> WebhookDelivery:
    """Send a test event now, once, and tell what came of it; also to a webhook that is switched off.

    Raises:
        DestinationMissing: The plugin of its destination is not enabled.
    """
    receiver = receiver_of(row)
    if receiver is None:
        raise DestinationMissing
    event = _test_event(actor, row)
    new_id = id_of(row.id, event.id)
    async with transaction():
        await store_message(event, [row.account_id] if row.account_id else [])
        await DeliveryRow.create(
            id=new_id, endpoint_id=row.id, message_id=event.id, type=event.type, state=TESTING, created_at_ms=now_ms()
        )
    one = await read_one(row.id, new_id)
    if one is None:
        raise NotFound
    client = OutgoingClient()
    try:
        outcome = await attempt(client, receiver, one)
    finally:
        await client.close()
    await _store_test(actor, row, new_id, outcome)
    return shown(await find(row, new_id))


async def _store_test(actor: Actor, row: EndpointRow, new_id: UUID, outcome: Outcome) -> None:
    async with transaction() as events:
        await DeliveryRow.filter(id=new_id).update(
            state=SUCCESS if outcome.outcome == "delivered" else FAILED,
            attempts=1,
            sent_at_ms=outcome.sent_at_ms,
            status_code=outcome.status_code,
            response_ms=outcome.response_ms,
            error=outcome.error,
            response=outcome.response,
        )
        await EndpointRow.filter(id=row.id).update(last_status=outcome.status_code)
        await audit.record(events, actor, "webhook.tested", ("webhook", row.id), {"status": outcome.status_code})


def _test_event(actor: Actor, row: EndpointRow) -> EventEnvelope:
    return EventEnvelope(
        id=uuid7(),
        type=TEST_TYPE,
        version=1,
        resource_type="webhook",
        resource_id=str(row.id),
        sequence=0,
        occurred_at=clock.now(),
        actor_id=actor.account_id,
        payload={"webhook_id": str(row.id), "name": row.name, "test": True},
    )
