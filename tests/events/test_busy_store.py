"""Events while the store is away for a moment: nothing is handled twice, no lane is forgotten."""

from __future__ import annotations

import asyncio
import time
from uuid import UUID

import pytest

from muntin.database import execute, transaction, uuid7
from muntin.events import Event, EventEnvelope, Relay, Subscription
from muntin.events.models import Lane
from muntin.testing.waiting import until

pytestmark = pytest.mark.usefixtures("database")
AWAY = "ALTER TABLE core_delivery_lane RENAME TO away"
BACK = "ALTER TABLE away RENAME TO core_delivery_lane"
SLOW, QUICK = uuid7(), uuid7()


class ThingHappened(Event):
    """Something happened to a thing."""

    type = "thing.happened"
    subject = "thing_id"

    thing_id: UUID


class Busy:
    """A subscriber that handles the events of one thing for as long as it is told to."""

    def __init__(self, *, breaks: bool = False) -> None:
        self.handled: list[str] = []
        self.goes_on = asyncio.Event()
        self._breaks = breaks
        self.subscription = Subscription(
            name="tests.busy", plugin="tests", event_types=("*",), handler=self._handle, concurrency=2, timeout_s=120
        )

    async def _handle(self, event: EventEnvelope) -> None:
        self.handled.append(event.resource_id)
        if event.resource_id == str(SLOW):
            await self.goes_on.wait()
        elif self._breaks:
            await execute(AWAY)


async def tell(thing_id: UUID) -> None:
    async with transaction() as events:
        events.add(ThingHappened(thing_id=thing_id))


async def none_is_left() -> bool:
    return not await Lane.all().exists()


async def quick_one_is_done() -> bool:
    return not await Lane.filter(resource_id=str(QUICK)).exists()


async def test_what_was_handled_is_noted_once_the_store_is_back_however_busy_the_worker_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    busy = Busy(breaks=True)

    async with Relay([busy.subscription], poll_s=0.05):
        await tell(SLOW)
        await until(lambda: busy.handled == [str(SLOW)])
        await tell(QUICK)
        await until(lambda: "could not note the delivery" in caplog.text)
        await execute(BACK)
        await until(quick_one_is_done)
        still_busy = not busy.goes_on.is_set()
        busy.goes_on.set()
        await until(none_is_left)

    assert still_busy
    assert busy.handled == [str(SLOW), str(QUICK)]


async def test_lane_that_a_busy_worker_lost_sight_of_comes_free_when_its_lease_ends() -> None:
    busy = Busy()

    async with Relay([busy.subscription], poll_s=0.05, worker="busy"):
        await tell(SLOW)
        await until(lambda: busy.handled == [str(SLOW)])
        slow = await Lane.get()
        ends_ms = int(time.time() * 1000) + 4_000  # the worker's next sign of life comes before that
        await Lane.create(
            subscriber="tests.busy", resource_type=slow.resource_type, resource_id=str(QUICK), position=0, upto=1,
            due_at_ms=0, leased_by="busy", leased_until_ms=ends_ms,
        )  # fmt: skip
        await until(quick_one_is_done)
        still_busy = not busy.goes_on.is_set()
        busy.goes_on.set()
        await until(none_is_left)

    assert still_busy
