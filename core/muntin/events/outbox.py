"""From recorded events to outbox rows, inside the transaction that made them true."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from muntin.database import fetch_all, uuid7
from muntin.database.transactions import RecordedEvent, store_events_with
from muntin.events.event import Resource
from muntin.events.models import OutboxRow

# One statement, so that of two transactions on a resource the second waits for the first one's end: numbers have no
# gap, and whoever sees number n sees every smaller one.
_TAKE_NUMBERS = """
INSERT INTO core_resource_sequence (id, created_at, updated_at, resource_type, resource_id, newest)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (resource_type, resource_id)
DO UPDATE SET newest = core_resource_sequence.newest + excluded.newest, updated_at = excluded.updated_at
RETURNING newest
"""

_log = logging.getLogger(__name__)
_listeners: list[Callable[[], None]] = []


def on_written(listener: Callable[[], None]) -> Callable[[], None]:
    """Call `listener` after each commit of this process that wrote events; it must not block.

    Returns:
        A function that ends it.
    """
    _listeners.append(listener)

    def stop() -> None:
        if listener in _listeners:
            _listeners.remove(listener)

    return stop


async def write_events(events: Sequence[RecordedEvent]) -> Callable[[], None]:
    """Number the events per resource and store them; the answer is to be called after the commit."""
    counts = Counter(recorded.event.resource for recorded in events)
    # In one order everywhere, so that two transactions never wait for each other.
    next_numbers = {resource: await _take_numbers(resource, counts[resource]) for resource in sorted(counts)}
    rows = []
    for recorded in events:
        resource = recorded.event.resource
        rows.append(_row(recorded, resource, next_numbers[resource]))
        next_numbers[resource] += 1
    await OutboxRow.bulk_create(rows)
    return _tell_listeners


async def _take_numbers(resource: Resource, count: int) -> int:
    """The first of `count` fresh sequence numbers."""
    now = datetime.now(UTC)
    [row] = await fetch_all(_TAKE_NUMBERS, [uuid7(), now, now, resource.type, resource.id, count])
    return int(row["newest"]) - count + 1


def _row(recorded: RecordedEvent, resource: Resource, sequence: int) -> OutboxRow:
    event = recorded.event
    return OutboxRow(
        id=recorded.id,
        type=event.type,
        version=event.version,
        resource_type=resource.type,
        resource_id=resource.id,
        sequence=sequence,
        payload=event.payload,
        occurred_at=recorded.occurred_at,
        actor_id=event.by,
    )


def _tell_listeners() -> None:
    for listener in tuple(_listeners):
        try:
            listener()
        except Exception:  # noqa: BLE001 - the events are stored; the relay finds them by itself within a second
            _log.exception("could not announce events: %r", listener)


store_events_with(write_events)
