"""Reading what waits for one webhook, a little at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from muntin.database import fetch_all, read_datetime, read_json, read_uuid
from muntin_webhooks.models import FRESH, RETRY
from muntin_webhooks.sending.outgoing import Outgoing

_COLUMNS = """
SELECT d.number, d.id, d.attempts, d.history, d.message_id, m.type, m.version, m.resource_type, m.resource_id,
       m.sequence, m.occurred_at, m.accounts, m.payload
FROM webhooks_delivery d LEFT JOIN webhooks_message m ON m.id = d.message_id
WHERE d.endpoint_id = ?
"""
_FRESH = f"{_COLUMNS} AND d.state = '{FRESH}' AND d.due_at_ms = 0 AND d.number > ? ORDER BY d.number LIMIT ?"
_DUE = f"{_COLUMNS} AND d.state = '{RETRY}' AND d.due_at_ms <= ? ORDER BY d.due_at_ms, d.number LIMIT ?"
_ONE = f"{_COLUMNS} AND d.id = ?"


async def read_fresh(endpoint_id: UUID, *, after: int, limit: int) -> list[Outgoing | int]:
    """Deliveries that were never tried, in the order in which they were stored, beyond number `after`.

    Of one whose message is no longer kept only the number is given.
    """
    return [_outgoing(row) for row in await fetch_all(_FRESH, [endpoint_id, after, limit])]


async def read_due(endpoint_id: UUID, *, now_ms: int, limit: int) -> list[Outgoing | int]:
    """Deliveries whose next attempt is due; those of earlier first."""
    return [_outgoing(row) for row in await fetch_all(_DUE, [endpoint_id, now_ms, limit])]


async def read_one(endpoint_id: UUID, delivery_id: UUID) -> Outgoing | None:
    """One delivery, whatever its state; `None` when its message is no longer kept."""
    rows = await fetch_all(_ONE, [endpoint_id, delivery_id])
    found = _outgoing(rows[0]) if rows else None
    return found if isinstance(found, Outgoing) else None


def _outgoing(row: Mapping[str, Any]) -> Outgoing | int:
    if row["type"] is None:
        return int(row["number"])
    return Outgoing(
        number=int(row["number"]),
        id=read_uuid(row["id"]),
        attempts=int(row["attempts"]),
        message_id=read_uuid(row["message_id"]),
        type=row["type"],
        version=int(row["version"]),
        resource_type=row["resource_type"],
        resource_id=row["resource_id"],
        sequence=int(row["sequence"]),
        occurred_at=read_datetime(row["occurred_at"]),
        concerned=tuple(UUID(one) for one in read_json(row["accounts"])),
        payload=read_json(row["payload"]),
        history=read_json(row["history"]) or (),
    )
