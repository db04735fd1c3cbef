"""A panel with webhooks that may send to this machine, a sender, and receivers."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID, uuid4

import pytest

from muntin import clock
from muntin.access import Actor
from muntin.database import transaction, uuid7
from muntin.events import EventEnvelope
from muntin.jobs.testing import FakeClock, run_pending
from muntin.panel import Panel
from muntin.testing.callers import Caller
from muntin.testing.waiting import until
from muntin_webhooks.deliveries import replaying
from muntin_webhooks.deliveries.interested import forget
from muntin_webhooks.deliveries.recording import Queued, record_event, store_deliveries, store_message
from muntin_webhooks.models import PENDING, DeliveryRow, EndpointRow, MessageRow
from muntin_webhooks.sending.sender import Sender

from .receiving import Receiver, receiving


@pytest.fixture(scope="session")
def panel_plugins() -> Sequence[str]:
    """Only webhooks."""
    return ("webhooks",)


@pytest.fixture
async def local(panel: Panel, admin: Caller) -> None:
    """Receivers of tests live on this machine."""
    forget()
    answer = await admin.put(
        "/api/v1/admin/settings",
        {"outgoing": {"allowed_networks": ["127.0.0.0/8"]}, "webhooks": {"plain_http": True, "max_per_account": 1000}},
    )
    assert answer.status == 200


@pytest.fixture
def fake_clock() -> Iterator[FakeClock]:
    """Time passes when told to."""
    fake = FakeClock()
    with clock.running_on(fake):
        yield fake


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that takes everything."""
    async with receiving() as receiver:
        yield receiver


_numbers = itertools.count(1)


def event(
    type_: str = "server.started",
    *,
    resource_id: str = "",
    sequence: int = 1,
    payload: dict[str, Any] | None = None,
    version: int = 1,
) -> EventEnvelope:
    """An event as the relay hands it over."""
    return EventEnvelope(
        id=uuid7(),
        type=type_,
        version=version,
        resource_type=type_.split(".", 1)[0],
        resource_id=resource_id or str(uuid4()),
        sequence=sequence,
        occurred_at=clock.now(),
        actor_id=None,
        payload=payload if payload is not None else {"name": "lobby"},
    )


async def make_webhook(caller: Caller, url: str, path: str = "/api/v1/admin/webhooks", **more: Any) -> dict[str, Any]:
    """A webhook to this address; panel-wide unless the path says otherwise."""
    body = {"name": f"hook {next(_numbers)}", "type": "custom", "url": url, "events": ["*"], **more}
    answer = await caller.post(path, body)
    assert answer.status == 201, answer.body
    made: dict[str, Any] = answer.data
    return made


@pytest.fixture
async def clean(panel: Panel, local: None) -> AsyncIterator[None]:
    """No webhook of another test hears of this one's events."""
    await EndpointRow.all().delete()
    await MessageRow.all().delete()
    yield
    await EndpointRow.all().delete()


@asynccontextmanager
async def sending(**options: Any) -> AsyncIterator[Sender]:
    """A sender at work."""
    sender = Sender(**options)
    task = asyncio.create_task(sender.run())
    try:
        yield sender
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def state_counts(endpoint_id: object) -> dict[str, int]:
    """State -> deliveries of a webhook."""
    counts: dict[str, int] = {}
    for state in await DeliveryRow.filter(endpoint_id=endpoint_id).values_list("state", flat=True):
        counts[str(state)] = counts.get(str(state), 0) + 1
    return counts


async def switched_off(endpoint_id: object) -> None:
    """The sender switched the webhook off."""

    async def is_off() -> bool:
        return not (await EndpointRow.get(id=endpoint_id)).is_enabled

    await until(is_off, timeout_s=30)


async def all_tried(sender: Sender, *, timeout_s: float = 30.0) -> None:
    """Nothing is left that was never tried, and nothing is under way."""

    async def done() -> bool:
        return sender.is_idle and not await DeliveryRow.filter(state="fresh", endpoint__is_enabled=True).exists()

    sender.wake()
    await until(done, timeout_s=timeout_s)


async def all_over(*, timeout_s: float = 60.0) -> None:
    """Every delivery succeeded or was given up."""

    async def done() -> bool:
        return not await DeliveryRow.filter(state__in=PENDING).exists()

    await until(done, timeout_s=timeout_s)


async def queue_many(endpoint_ids: Sequence[str], number: int, *, resources: int = 50) -> list[EventEnvelope]:
    """So many events, waiting to be sent to the webhooks; those of one resource are numbered."""
    events = [
        event(resource_id=f"resource-{index % resources}", sequence=index // resources + 1, payload={"number": index})
        for index in range(number)
    ]
    for start in range(0, number, 500):
        async with transaction() as open_:
            for one in events[start : start + 500]:
                await store_message(one)
                queued = [Queued(endpoint_id=UUID(each), message_id=one.id, type=one.type) for each in endpoint_ids]
                await store_deliveries(open_, queued)
    return events


async def replayed() -> list[object]:
    """Run the replays that were ordered; how many messages each queued."""
    return [job.result for job in await run_pending(replaying.JOBS)]


Record = Callable[[EventEnvelope], Any]
record: Record = record_event
SYSTEM = Actor.system()
