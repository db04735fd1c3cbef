"""Deliveries as people see them."""

from __future__ import annotations

from typing import Any

from muntin_webhooks.endpoints.shown import moment
from muntin_webhooks.models import FAILED, RETRY, SUCCESS, DeliveryRow
from muntin_webhooks.schemas import Status, WebhookDelivery


def shown(row: DeliveryRow) -> WebhookDelivery:
    """One line of the log."""
    return WebhookDelivery(**values_of(row))


def values_of(row: DeliveryRow) -> dict[str, Any]:
    """Field -> value of what is shown in the log."""
    return {
        "id": row.id,
        "event": row.type,
        "status": status_of(row.state),
        "status_code": row.status_code,
        "attempt": row.attempts,
        "response_time_ms": row.response_ms,
        "error": row.error,
        "created_at": moment(row.created_at_ms),
        "event_id": row.message_id,
        "next_attempt_at": moment(row.due_at_ms) if row.state == RETRY else None,
    }


def status_of(state: str) -> Status:
    """The word for people."""
    return {SUCCESS: "success", FAILED: "failed"}.get(state, "pending")  # type: ignore[return-value]  # of Status
