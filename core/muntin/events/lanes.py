"""The statements that move a lane: claim it, read what is next, note how far it came."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from muntin.database import database_dialect, execute, fetch_all, read_datetime, read_uuid, transaction
from muntin.events.event import EventEnvelope
from muntin.events.models import DeadLetter

WINDOW = 50
"""Sequence numbers a lane reads ahead."""

_LANES_PER_STATEMENT = 500

_CLAIM = """
UPDATE core_delivery_lane SET leased_by = ?, leased_until_ms = ?
WHERE id IN (
    SELECT id FROM core_delivery_lane
    WHERE subscriber = ? AND due_at_ms <= ? AND leased_until_ms <= ?
    ORDER BY due_at_ms, id LIMIT ? {locking}
)
RETURNING id, resource_type, resource_id, position, upto, attempts
"""
_CLAIMS = {"sqlite": _CLAIM.format(locking=""), "postgres": _CLAIM.format(locking="FOR UPDATE SKIP LOCKED")}
_NEXT_EVENTS = """
SELECT lane.id AS lane_id, event.id, event.type, event.version, event.resource_type, event.resource_id, event.sequence,
       event.payload, event.occurred_at, event.actor_id
FROM core_delivery_lane lane
JOIN core_outbox event
  ON event.resource_type = lane.resource_type AND event.resource_id = lane.resource_id
 AND event.sequence > lane.position AND event.sequence <= lane.position + ? AND event.sequence <= lane.upto
WHERE lane.id IN ({places})
ORDER BY event.sequence
"""
_CLOSE = "DELETE FROM core_delivery_lane WHERE id = ? AND leased_by = ? AND upto <= ?"
_MOVE = """
UPDATE core_delivery_lane
SET position = ?, attempts = ?, due_at_ms = ?, last_error = ?, leased_by = NULL, leased_until_ms = 0
WHERE id = ? AND leased_by = ?
"""
_ADVANCE = "UPDATE core_delivery_lane SET position = ?, attempts = 0 WHERE id = ? AND leased_by = ?"
_EXTEND = "UPDATE core_delivery_lane SET leased_until_ms = ? WHERE leased_by = ? AND id IN ({places})"
_HOLDERS = "SELECT DISTINCT leased_by FROM core_delivery_lane WHERE leased_by <> ?"
_RELEASE = "UPDATE core_delivery_lane SET leased_by = NULL, leased_until_ms = 0 WHERE leased_by = ?"
_LET_GO = "UPDATE core_delivery_lane SET leased_by = NULL, leased_until_ms = 0 WHERE leased_by = ? AND subscriber = ?"


@dataclass(frozen=True, slots=True)
class ClaimedLane:
    """A lane that this worker alone delivers for now, and the events that are next in it."""

    id: UUID
    worker: str
    position: int
    end: int  # the position once all of `events` are done with
    attempts: int
    events: tuple[EventEnvelope, ...]


async def claim(subscriber: str, worker: str, *, limit: int, now_ms: int, until_ms: int) -> list[ClaimedLane]:
    """Up to `limit` lanes that are due and that nobody else holds."""
    rows = await fetch_all(_CLAIMS[database_dialect()], [worker, until_ms, subscriber, now_ms, now_ms, limit])
    events = await _next_events([row["id"] for row in rows]) if rows else {}
    return [_claimed(row, worker, events.get(read_uuid(row["id"]), [])) for row in rows]


async def advance(lane: ClaimedLane, position: int) -> bool:
    """Note how far it came and go on; False when the lane was lost to another worker meanwhile."""
    return bool(await execute(_ADVANCE, [position, lane.id, lane.worker]))


async def leave(lane: ClaimedLane, *, now_ms: int) -> bool:
    """Everything that was read is done with; True when more came meanwhile."""
    if await execute(_CLOSE, [lane.id, lane.worker, lane.end]):
        return False
    return bool(await execute(_MOVE, [lane.end, 0, now_ms, None, lane.id, lane.worker]))


async def postpone(lane: ClaimedLane, position: int, *, attempts: int, due_at_ms: int, error: str | None) -> None:
    """Let go for now; go on after `position` then, where it failed with `error`, if it did."""
    await execute(_MOVE, [position, attempts, due_at_ms, error, lane.id, lane.worker])


async def give_up(
    lane: ClaimedLane, event: EventEnvelope, subscriber: str, *, attempts: int, error: str, now_ms: int
) -> None:
    """The event failed too often: put it aside and let the later ones pass."""
    async with transaction():
        if await execute(_MOVE, [event.sequence, 0, now_ms, None, lane.id, lane.worker]):
            await DeadLetter.bulk_create(
                [DeadLetter(subscriber=subscriber, event_id=event.id, attempts=attempts, error=error)],
                on_conflict=["subscriber", "event_id"],
                update_fields=["attempts", "error"],
            )


async def extend_leases(worker: str, held: Sequence[UUID], *, until_ms: int) -> None:
    """Say that this worker is alive and delivers these lanes; others that it lost sight of come free by themselves."""
    for start in range(0, len(held), _LANES_PER_STATEMENT):
        ids = held[start : start + _LANES_PER_STATEMENT]
        await execute(_EXTEND.format(places=", ".join("?" * len(ids))), [until_ms, worker, *ids])


async def let_go(worker: str, subscriber: str) -> None:
    """Give back what this worker holds for a subscriber, so that others need not wait for the leases to end."""
    await execute(_LET_GO, [worker, subscriber])


async def other_holders(worker: str) -> list[str]:
    """The other workers that have lanes, or died with them."""
    return [str(row["leased_by"]) for row in await fetch_all(_HOLDERS, [worker])]


async def release(worker: str) -> int:
    """Give free what a worker held that is dead, without waiting for its leases to end; how many lanes that were."""
    return await execute(_RELEASE, [worker])


async def due_subscribers(names: Sequence[str], *, now_ms: int) -> set[str]:
    """Which of the subscribers have a lane that is due and free."""
    if not names:
        return set()
    places = ", ".join(["?"] * len(names))
    sql = f"""SELECT DISTINCT subscriber FROM core_delivery_lane
              WHERE subscriber IN ({places}) AND due_at_ms <= ? AND leased_until_ms <= ?"""  # noqa: S608 - placeholders
    return {row["subscriber"] for row in await fetch_all(sql, [*names, now_ms, now_ms])}


async def _next_events(lanes: Sequence[Any]) -> dict[UUID, list[EventEnvelope]]:
    places = ", ".join(["?"] * len(lanes))
    found: dict[UUID, list[EventEnvelope]] = defaultdict(list)
    for row in await fetch_all(_NEXT_EVENTS.format(places=places), [WINDOW, *lanes]):
        found[read_uuid(row["lane_id"])].append(_envelope(row))
    return found


def _claimed(row: Mapping[str, Any], worker: str, events: Sequence[EventEnvelope]) -> ClaimedLane:
    # More may have been routed between the claim and the reading of the events.
    last_read = events[-1].sequence if events else 0
    return ClaimedLane(
        id=read_uuid(row["id"]),
        worker=worker,
        position=row["position"],
        end=max(last_read, min(row["upto"], row["position"] + WINDOW)),
        attempts=row["attempts"],
        events=tuple(events),
    )


def _envelope(row: Mapping[str, Any]) -> EventEnvelope:
    payload = row["payload"]
    return EventEnvelope(
        id=read_uuid(row["id"]),
        type=row["type"],
        version=row["version"],
        resource_type=row["resource_type"],
        resource_id=row["resource_id"],
        sequence=row["sequence"],
        occurred_at=read_datetime(row["occurred_at"]),
        actor_id=read_uuid(row["actor_id"]) if row["actor_id"] is not None else None,
        payload=orjson.loads(payload) if isinstance(payload, str | bytes) else payload,
    )
