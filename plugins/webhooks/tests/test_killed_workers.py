"""`kill -9` of workers in the middle of deliveries: nothing is lost, and what was stored as delivered stays so."""

from __future__ import annotations

from collections import Counter

import pytest

from muntin.configuration import Configuration
from muntin.database import fetch_all
from muntin.testing.callers import Caller
from muntin.testing.waiting import until
from muntin_webhooks.models import DeliveryRow

from .conftest import make_webhook, queue_many, state_counts
from .receiving import Receiver, Said
from .workers import kill, start_worker

pytestmark = pytest.mark.timeout(180)


async def test_killed_workers_lose_nothing_and_repeat_nothing_that_was_stored(
    admin: Caller, receiver: Receiver, clean: None, panel_configuration: Configuration
) -> None:
    hook = await make_webhook(admin, receiver.url)
    sent = await queue_many([hook["id"]], 400, resources=400)
    receiver.answer = lambda one: Said(after_s=0.01)
    stored: set[str] = set()
    repeated: list[str] = []

    for _killed in range(3):
        seen = len(receiver.received)
        process = await start_worker(panel_configuration)
        await until(lambda seen=seen: len(receiver.received) >= seen + 60, timeout_s=60)  # type: ignore[misc]
        await kill(process)
        await until(lambda: receiver.at_once == 0)  # what was under way has arrived
        repeated += [one.id for one in receiver.received[seen:] if one.id in stored]
        done = DeliveryRow.filter(endpoint_id=hook["id"], state="success")
        stored = {str(one) for one in await done.values_list("message_id", flat=True)}
        await _free()
    seen = len(receiver.received)
    process = await start_worker(panel_configuration)

    async def all_delivered() -> bool:
        return (await state_counts(hook["id"])).get("success") == 400

    await until(all_delivered, timeout_s=90)
    await kill(process)
    repeated += [one.id for one in receiver.received[seen:] if one.id in stored]

    times = Counter(one.id for one in receiver.received)
    assert set(times) == {str(one.id) for one in sent}
    assert repeated == []
    assert max(times.values()) <= 4


async def _free() -> None:
    """The dead worker's hold on the webhook runs out by itself; tests do not wait for that."""
    await fetch_all("UPDATE webhooks_endpoint SET leased_until_ms = 0 WHERE leased_by IS NOT NULL RETURNING id")
