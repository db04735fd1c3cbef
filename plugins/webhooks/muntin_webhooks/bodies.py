"""The event as JSON, never larger than 20 kB."""

from __future__ import annotations

from typing import Any

from muntin.api.json import dumps
from muntin.schemas import isoformat
from muntin_webhooks.sending.outgoing import Outgoing

LIMIT_BYTES = 20_000
DATA_PATH = "/api/v1/webhooks/deliveries/{id}/data"


def body_of(one: Outgoing, *, data_url: str) -> tuple[bytes, bool]:
    """The body, and whether it holds the payload; a larger one is to be fetched from `data_url`."""
    body: dict[str, Any] = {
        "id": one.message_id,
        "event": one.type,
        "timestamp": isoformat(one.occurred_at),
        "data": one.payload,
        "version": one.version,
        "resource": {"type": one.resource_type, "id": one.resource_id, "sequence": one.sequence},
    }
    written = dumps(body)
    if len(written) <= LIMIT_BYTES:
        return written, True
    return dumps(body | {"data": {}, "data_url": data_url}), False
