"""Many events at once: each is delivered once, in bounded memory; and old ones go."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from datetime import timedelta
from pathlib import Path

import pytest

from muntin.database import database_dialect, execute, fetch_all
from muntin.events import EventEnvelope, Relay, Subscription, trim
from muntin.events.models import Lane, OutboxRow
from muntin.testing.waiting import until

pytestmark = pytest.mark.usefixtures("database")

EVENTS = 100_000
RESOURCES = 1_000
GROWTH_MIB = 48

_NUMBERS = """
WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < ? - 1)
INSERT INTO core_outbox (id, created_at, updated_at, type, version, resource_type, resource_id, sequence, payload,
                         occurred_at, actor_id, state)
"""
_SQLITE = (
    _NUMBERS
    + """
SELECT printf('%08x-0000-7000-8000-000000000000', n), '2026-01-01 00:00:00+00:00', '2026-01-01 00:00:00+00:00',
       'server.started', 1, 'server', CAST(n % ? AS TEXT), n / ? + 1, '{"n": 1}', '2026-01-01 00:00:00+00:00', NULL,
       'pending'
FROM numbers
"""
)
_POSTGRES = (
    _NUMBERS.replace("?", "?::int")
    + """
SELECT (lpad(to_hex(n), 8, '0') || '-0000-7000-8000-000000000000')::uuid, '2026-01-01Z', '2026-01-01Z',
       'server.started', 1, 'server', (n % ?::int)::text, n / ?::int + 1, '{"n": 1}', '2026-01-01Z', NULL, 'pending'
FROM numbers
"""
)


async def fill_outbox(events: int, resources: int) -> None:
    sql = _SQLITE if database_dialect() == "sqlite" else _POSTGRES
    await execute(sql, [events, resources, resources])
    assert await OutboxRow.all().count() == events


async def no_lane_is_left() -> bool:
    return not await Lane.all().exists()


async def no_lane_of_the_first_is_left() -> bool:
    return not await Lane.filter(resource_id="0").exists()


def resident_mib() -> float:
    """Memory of this process, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1024**2


async def test_hundred_thousand_queued_events_drain_once_in_order_and_in_bounded_memory() -> None:
    await fill_outbox(EVENTS, RESOURCES)
    last: dict[str, int] = defaultdict(int)
    wrong: list[EventEnvelope] = []
    count = 0
    peaks_mib: list[float] = []

    async def note(event: EventEnvelope) -> None:
        nonlocal count
        if event.sequence != last[event.resource_id] + 1:
            wrong.append(event)
        last[event.resource_id] = event.sequence
        count += 1
        if count % 1000 == 0:
            peaks_mib.append(resident_mib())

    before_mib = resident_mib()
    subscription = Subscription(name="tests", plugin="tests", event_types=("*",), handler=note, concurrency=16)
    async with Relay([subscription]):
        await until(lambda: count >= EVENTS, timeout_s=100)
        await until(no_lane_is_left)

    assert wrong == []
    assert (count, Counter(last.values())) == (EVENTS, Counter({EVENTS // RESOURCES: RESOURCES}))
    assert max(peaks_mib) - before_mib < GROWTH_MIB


async def test_old_events_go_unless_somebody_waits_for_them() -> None:
    gate = asyncio.Event()
    handled: list[int] = []

    async def slow(event: EventEnvelope) -> None:
        if event.resource_id == "1":
            await gate.wait()
        handled.append(event.sequence)

    await fill_outbox(20, 2)
    subscription = Subscription(name="tests", plugin="tests", event_types=("*",), handler=slow, timeout_s=60)
    async with Relay([subscription]):
        await until(lambda: len(handled) >= 10)
        await until(no_lane_of_the_first_is_left)
        kept_for_age = await trim(timedelta(days=36_500))
        trimmed_first = await trim(timedelta(days=1))
        left = await fetch_all("SELECT DISTINCT resource_id FROM core_outbox")
        gate.set()
        await until(no_lane_is_left)
    trimmed_then = await trim(timedelta(days=1))

    assert (kept_for_age, trimmed_first, left, trimmed_then) == (0, 10, [{"resource_id": "1"}], 10)
    assert await OutboxRow.all().count() == 0
