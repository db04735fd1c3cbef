"""The event as JSON, never larger than 20 kB."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from muntin.api.json import dumps
from muntin.schemas import isoformat

LIMIT_BYTES = 20_000
DATA_PATH = "/api/v1/webhooks/deliveries/{id}/data"


def body_of(
    *,
    event_id: UUID,
    event_type: str,
    version: int,
    occurred_at: datetime,
    resource_type: str,
    resource_id: str,
    sequence: int,
    payload: Any,
    data_url: str,
) -> tuple[bytes, bool]:
    """The body, and whether it holds the payload; a larger one is to be fetched from `data_url`."""
    body: dict[str, Any] = {
        "id": event_id,
        "event": event_type,
        "timestamp": isoformat(occurred_at),
        "data": payload,
        "version": version,
        "resource": {"type": resource_type, "id": resource_id, "sequence": sequence},
    }
    written = dumps(body)
    if len(written) <= LIMIT_BYTES:
        return written, True
    return dumps(body | {"data": {}, "data_url": data_url}), False
