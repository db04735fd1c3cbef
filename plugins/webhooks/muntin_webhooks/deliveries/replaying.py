"""Sending the messages of a time window again: a job, since there may be hundreds of thousands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from muntin import audit, clock
from muntin.access import Actor
from muntin.database import transaction
from muntin.jobs import JobContext, Task, enqueue
from muntin.jobs.own import JobView
from muntin.jobs.own import shown as shown_job
from muntin_webhooks.deliveries.access import message_may_be_heard
from muntin_webhooks.deliveries.again import TEST_TYPE
from muntin_webhooks.deliveries.interested import interest_of
from muntin_webhooks.deliveries.recording import Queued, store_deliveries
from muntin_webhooks.models import PENDING, SUCCESS, DeliveryRow, EndpointRow, MessageRow
from muntin_webhooks.schemas import ReplayInput

REPLAY = "webhooks.replay"
BATCH = 500


async def replay(actor: Actor, row: EndpointRow, wanted: ReplayInput) -> JobView:
    """Have the messages of a time window queued again, in their order: those not delivered, or all the webhook wants.

    What is still waiting is not queued twice. The job's result is how many messages it queued.
    """
    until = wanted.until or clock.now()
    told: dict[str, Any] = {"since": wanted.since.isoformat(), "until": until.isoformat(), "which": wanted.which}
    async with transaction() as events:
        job_id = await enqueue(events, REPLAY, ordered_by=actor.account_id, webhook_id=str(row.id), **told)
        await audit.record(events, actor, "webhook.replayed", ("webhook", row.id), {**told, "job": str(job_id)})
    return await shown_job(job_id)


async def queue_again(context: JobContext, *, webhook_id: str, since: str, until: str, which: str) -> int:
    """The work of the job; a second attempt queues nothing twice, since deliveries are named after the job."""
    row, count = await EndpointRow.get_or_none(id=webhook_id), 0
    if row is None:
        return 0
    async for messages, percent in _messages(row, _ms(since), _ms(until)):
        left_out = await _left_out(row.id, messages, which)
        queued = [
            Queued(endpoint_id=row.id, message_id=one.id, type=one.type, occasion=str(context.id))
            for one in messages
            if one.id not in left_out
        ]
        async with transaction() as events:
            await store_deliveries(events, queued)
        count += len(queued)
        await context.progress(percent)
    return count


async def _messages(row: EndpointRow, since_ms: int, until_ms: int) -> AsyncIterator[tuple[list[MessageRow], int]]:
    """The messages of the window that the webhook wants, a few at a time, the oldest first; and how far that is."""
    interest, last, seen = interest_of(row), UUID(int=0), 0
    rows = MessageRow.filter(recorded_at_ms__gte=since_ms, recorded_at_ms__lte=until_ms).exclude(type=TEST_TYPE)
    total = await rows.count()
    while found := await rows.filter(id__gt=last).order_by("id").limit(BATCH):
        last, seen = found[-1].id, seen + len(found)
        wanted = [one for one in found if interest.wants(one) and await message_may_be_heard(row.account_id, one)]
        yield wanted, 100 * seen // max(seen, total)


async def _left_out(endpoint_id: UUID, messages: Sequence[MessageRow], which: str) -> set[UUID]:
    """What waits already, and for `undelivered` what got through."""
    states = [*PENDING, SUCCESS] if which == "undelivered" else [*PENDING]
    ids = [one.id for one in messages]
    found = DeliveryRow.filter(endpoint_id=endpoint_id, message_id__in=ids, state__in=states)
    return {UUID(str(one)) for one in await found.values_list("message_id", flat=True)}


def _ms(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1000)


JOBS = (Task(name=REPLAY, handler=queue_again, timeout_s=3600.0),)
