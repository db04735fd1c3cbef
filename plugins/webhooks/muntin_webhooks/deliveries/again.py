"""Sending again what was sent, or what was missed, and sending a test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

from muntin import audit, clock
from muntin.access import Actor
from muntin.database import transaction, uuid7
from muntin.errors import NotFound
from muntin.events import EventEnvelope
from muntin.outgoing import OutgoingClient
from muntin_webhooks.deliveries.interested import interest_of
from muntin_webhooks.deliveries.log import find
from muntin_webhooks.deliveries.recording import Queued, delivery_id, now_ms, store_deliveries, store_message
from muntin_webhooks.deliveries.shown import shown
from muntin_webhooks.errors import DestinationMissing
from muntin_webhooks.matching import Told
from muntin_webhooks.models import FAILED, SUCCESS, DeliveryRow, EndpointRow, MessageRow
from muntin_webhooks.schemas import Replay, ReplayInput, WebhookDelivery
from muntin_webhooks.sending.attempt import Outcome, attempt
from muntin_webhooks.sending.receiver import receiver_of
from muntin_webhooks.sending.waiting import read_one

TEST_TYPE = "webhook.test"
TESTING = "testing"
"""State of a test while it is sent; senders leave it alone."""

BATCH = 500
MOST_REPLAYED = 100_000


async def redeliver(actor: Actor, row: EndpointRow, old_id: object) -> WebhookDelivery:
    """Queue the same message once more, with the same `webhook-id`.

    Raises:
        NotFound: It is none of the webhook's, or its message is no longer kept.
    """
    old = await find(row, old_id)
    if not await MessageRow.filter(id=old.message_id).exists():
        raise NotFound
    queued = Queued(endpoint_id=row.id, message_id=old.message_id, type=old.type, occasion=str(uuid7()))
    async with transaction() as events:
        await store_deliveries(events, [queued])
        await audit.record(events, actor, "webhook.redelivered", ("webhook", row.id), {"event": str(old.message_id)})
    return shown(await find(row, queued.id))


async def replay(actor: Actor, row: EndpointRow, wanted: ReplayInput) -> Replay:
    """Queue the messages of a time window again, in their order: those not delivered, or all the webhook wants.

    What is still waiting is not queued twice.
    """
    occasion, count = str(uuid7()), 0
    async for messages in _messages(row, wanted):
        left_out = await _left_out(row.id, [one.id for one in messages], wanted.which)
        queued = [
            Queued(endpoint_id=row.id, message_id=one.id, type=one.type, occasion=occasion)
            for one in messages
            if one.id not in left_out
        ]
        async with transaction() as events:
            await store_deliveries(events, queued)
        count += len(queued)
        if count >= MOST_REPLAYED:
            break
    async with transaction() as events:
        told = {"since": wanted.since, "until": wanted.until, "which": wanted.which, "queued": count}
        await audit.record(events, actor, "webhook.replayed", ("webhook", row.id), told)
    return Replay(queued=count)


async def send_test(actor: Actor, row: EndpointRow) -> WebhookDelivery:
    """Send a test event now, once, and tell what came of it; also to a webhook that is switched off.

    Raises:
        DestinationMissing: The plugin of its destination is not enabled.
    """
    receiver = receiver_of(row)
    if receiver is None:
        raise DestinationMissing
    event = _test_event(actor, row)
    new_id = delivery_id(row.id, event.id)
    async with transaction():
        await store_message(event)
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


async def _messages(row: EndpointRow, wanted: ReplayInput) -> AsyncIterator[list[MessageRow]]:
    """The messages of the window that the webhook wants, a few at a time, the oldest first."""
    interest = interest_of(row)
    since_ms = _ms(wanted.since)
    until_ms = _ms(wanted.until) if wanted.until else now_ms()
    last: UUID | None = None
    rows = MessageRow.filter(recorded_at_ms__gte=since_ms, recorded_at_ms__lte=until_ms).exclude(type=TEST_TYPE)
    while found := await (rows.filter(id__gt=last) if last else rows).order_by("id").limit(BATCH):
        last = found[-1].id
        yield [one for one in found if interest.wants(_told(one))]


async def _left_out(endpoint_id: UUID, ids: list[UUID], which: str) -> set[UUID]:
    """What waits already, and for `undelivered` what got through."""
    states = ["fresh", "retry"] + ([SUCCESS] if which == "undelivered" else [])
    found = DeliveryRow.filter(endpoint_id=endpoint_id, message_id__in=ids, state__in=states)
    return {UUID(str(one)) for one in await found.values_list("message_id", flat=True)}


def _told(one: MessageRow) -> Told:
    return Told(
        type=one.type,
        resource_type=one.resource_type,
        resource_id=one.resource_id,
        actor_id=one.actor_id,
        accounts=tuple(UUID(text) for text in one.accounts),
        payload=one.payload,
    )


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
