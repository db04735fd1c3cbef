"""The first half of the relay: which subscriber has to hear of which events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from muntin.database import database_dialect, execute, fetch_all, transaction, uuid7
from muntin.events.models import Subscriber
from muntin.events.subscription import Subscription, matches

BATCH = 1000
"""Events routed in one transaction; what bounds the relay's memory."""

_LANES_PER_STATEMENT = 200
_ROUTING_LOCK = 0x6D756E74_01  # any number that nothing else in the database locks

# Of every resource in the batch all earlier events too: ids are made before the commit, on several machines, so the
# order of ids may differ from the order of sequence numbers.
_TAKE = """
WITH oldest AS (
    SELECT resource_type, resource_id, sequence FROM core_outbox WHERE state = 'pending' ORDER BY id LIMIT ?
), chosen AS (
    SELECT resource_type, resource_id, MAX(sequence) AS upto FROM oldest GROUP BY resource_type, resource_id
)
UPDATE core_outbox SET state = 'routed'
FROM chosen
WHERE core_outbox.state = 'pending'
  AND core_outbox.resource_type = chosen.resource_type
  AND core_outbox.resource_id = chosen.resource_id
  AND core_outbox.sequence <= chosen.upto
RETURNING resource_type, resource_id, sequence, type
"""
_TAKE_POSTGRES = _TAKE.replace(
    "RETURNING resource_type, resource_id, sequence, type",
    "RETURNING core_outbox.resource_type, core_outbox.resource_id, core_outbox.sequence, core_outbox.type",
)
_EXTEND_LANES = """
INSERT INTO core_delivery_lane
(id, created_at, updated_at, subscriber, resource_type, resource_id, apart, position, upto,
 attempts, due_at_ms, leased_until_ms)
VALUES {rows}
ON CONFLICT (subscriber, resource_type, resource_id, apart)
DO UPDATE SET upto = excluded.upto, updated_at = excluded.updated_at
"""

LaneKey = tuple[str, str, str]
"""Subscriber, resource type, resource id."""


@dataclass(slots=True)
class _Reach:
    """How far a lane has to go because of this batch."""

    first: int
    upto: int


async def register(subscriptions: Iterable[Subscription]) -> None:
    """Make the subscribers known; from now on events are kept for them until they get them."""
    rows = [
        Subscriber(name=one.name, plugin=one.plugin, event_types=list(one.event_types))
        for one in sorted(subscriptions, key=lambda one: one.name)
    ]
    if rows:
        await Subscriber.bulk_create(rows, on_conflict=["name"], update_fields=["plugin", "event_types"])


async def route_batch(*, now_ms: int, limit: int = BATCH) -> tuple[int, set[str]]:
    """Route the oldest events that nobody routed yet.

    One process at a time does this, so a lane never learns of an event before it knows of the earlier ones.

    Returns:
        How many events were routed, and the subscribers that have something new to do.
    """
    async with transaction():
        if database_dialect() == "postgres":
            await fetch_all("SELECT pg_advisory_xact_lock(?)", [_ROUTING_LOCK])
        rows = await fetch_all(_TAKE if database_dialect() == "sqlite" else _TAKE_POSTGRES, [limit])
        if not rows:
            return 0, set()
        patterns = dict(await Subscriber.all().values_list("name", "event_types"))
        lanes = _lanes(rows, patterns)
        await _extend(lanes, now_ms)
    return len(rows), {subscriber for subscriber, _type, _id in lanes}


def _lanes(rows: Iterable[Mapping[str, Any]], patterns: Mapping[str, Sequence[str]]) -> dict[LaneKey, _Reach]:
    lanes: dict[LaneKey, _Reach] = {}
    for row in rows:
        sequence = int(row["sequence"])
        for subscriber, wanted in patterns.items():
            if not matches(wanted, row["type"]):
                continue
            reach = lanes.setdefault((subscriber, row["resource_type"], row["resource_id"]), _Reach(sequence, sequence))
            reach.first = min(reach.first, sequence)
            reach.upto = max(reach.upto, sequence)
    return lanes


async def _extend(lanes: Mapping[LaneKey, _Reach], now_ms: int) -> None:
    """In one order everywhere, so that nobody waits in a circle."""
    keys = sorted(lanes)
    now = datetime.now(UTC)
    for start in range(0, len(keys), _LANES_PER_STATEMENT):
        chunk = keys[start : start + _LANES_PER_STATEMENT]
        values: list[object] = []
        for key in chunk:
            values += [uuid7(), now, now, *key, "", lanes[key].first - 1, lanes[key].upto, 0, now_ms, 0]
        places = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"] * len(chunk))
        await execute(_EXTEND_LANES.format(rows=places), values)
