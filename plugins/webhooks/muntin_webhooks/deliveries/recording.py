"""From events to stored deliveries: the subscriber of everything.

A delivery's id follows from webhook, message and occasion. So an event that is handed over twice makes no second row,
and what was delivered stays delivered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from muntin import clock
from muntin.api.json import dumps
from muntin.database import Transaction, execute, transaction
from muntin.events import EventEnvelope, concerned
from muntin_webhooks.deliveries.interested import interested
from muntin_webhooks.models import FRESH
from muntin_webhooks.telling import tell_due

ROWS_PER_STATEMENT = 100
_MESSAGE = """
INSERT INTO webhooks_message (id, created_at, updated_at, type, version, resource_type, resource_id, sequence,
                              occurred_at, recorded_at_ms, actor_id, accounts, payload)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING
"""
_DELIVERIES = """
INSERT INTO webhooks_delivery (id, endpoint_id, message_id, type, state, attempts, due_at_ms, created_at_ms)
VALUES {rows} ON CONFLICT (id) DO NOTHING
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A delivery to be stored; `occasion` is empty for the event itself, and names a redelivery or replay else."""

    endpoint_id: UUID
    message_id: UUID
    type: str
    occasion: str = ""

    @property
    def id(self) -> UUID:
        """The same for the same event, webhook and occasion."""
        return id_of(self.endpoint_id, self.message_id, self.occasion)


def id_of(endpoint_id: UUID, message_id: UUID, occasion: str = "") -> UUID:
    """The id of a delivery."""
    return uuid5(endpoint_id, f"{message_id}:{occasion}")


async def record_event(event: EventEnvelope) -> None:
    """Store what has to be sent because of the event; see `EventSubscriber`."""
    accounts = concerned(event)
    wanted = await interested(event, accounts)
    if not wanted:
        return
    queued = [Queued(endpoint_id=one.id, message_id=event.id, type=event.type) for one in wanted if one.is_enabled]
    async with transaction() as events:
        await store_message(event, accounts)
        await store_deliveries(events, queued)


async def store_message(event: EventEnvelope, accounts: Iterable[UUID] = ()) -> None:
    """Keep what is told; a second time changes nothing."""
    now = datetime.now(UTC)
    await execute(
        _MESSAGE,
        [event.id, now, now, event.type, event.version, event.resource_type, event.resource_id, event.sequence,
         event.occurred_at, now_ms(), event.actor_id, _json([str(one) for one in accounts]), _json(event.payload)],
    )  # fmt: skip


async def store_deliveries(events: Transaction, queued: Sequence[Queued]) -> None:
    """Have these sent, in this order per resource; what is stored already stays as it is."""
    moment = now_ms()
    for start in range(0, len(queued), ROWS_PER_STATEMENT):
        chunk = queued[start : start + ROWS_PER_STATEMENT]
        values: list[object] = []
        for one in chunk:
            values += [one.id, one.endpoint_id, one.message_id, one.type, FRESH, 0, 0, moment]
        await execute(_DELIVERIES.format(rows=", ".join(["(?, ?, ?, ?, ?, ?, ?, ?)"] * len(chunk))), values)
    if queued:
        tell_due(events)


def now_ms() -> int:
    """The panel's time, in milliseconds since 1970."""
    return int(clock.now_s() * 1000)


def _json(value: Any) -> str:
    return dumps(value).decode()
