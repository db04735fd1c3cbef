"""Figures of the last 24 hours."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from muntin.access import Actor
from muntin.database import fetch_all
from muntin_webhooks.deliveries.recording import now_ms
from muntin_webhooks.models import FAILED, FRESH, RETRY, SUCCESS, EndpointRow
from muntin_webhooks.schemas import Hour, Statistics

HOUR_MS = 3_600_000
HOURS = 24
_COUNT = (
    "SELECT COUNT(*) AS n, COALESCE(SUM(CASE WHEN is_enabled THEN 1 ELSE 0 END), 0) AS active FROM webhooks_endpoint"
)
_BY_HOUR = """
SELECT d.created_at_ms / 3600000 AS hour, d.state AS state, COUNT(*) AS n, COUNT(d.response_ms) AS answered,
       COALESCE(SUM(d.response_ms), 0) AS waited_ms
FROM webhooks_endpoint e JOIN webhooks_delivery d ON d.endpoint_id = e.id
WHERE d.created_at_ms >= ? AND {whose}
GROUP BY d.created_at_ms / 3600000, d.state
"""


async def of_account(account_id: UUID | None) -> Statistics:
    """Of an account's webhooks; with `None` of the panel's."""
    if account_id is None:
        return await _figures("account_id IS NULL", [])
    return await _figures("account_id = ?", [account_id])


async def load_figures(actor: Actor, row: EndpointRow) -> Statistics:
    """Of one, as a service."""
    return await _figures("id = ?", [row.id])


async def _figures(whose: str, values: list[object]) -> Statistics:
    [counted] = await fetch_all(f"{_COUNT} WHERE {whose}", values)  # our own conditions
    end_ms = now_ms()
    since_ms = end_ms - HOURS * HOUR_MS
    rows = await fetch_all(_BY_HOUR.format(whose=f"e.{whose}"), [since_ms, *values])
    per_state: dict[str, int] = {}
    hours: dict[int, dict[str, int]] = {}
    for row in rows:
        per_state[row["state"]] = per_state.get(row["state"], 0) + int(row["n"])
        hours.setdefault(int(row["hour"]), {})[row["state"]] = int(row["n"])
    total, good = sum(per_state.values()), per_state.get(SUCCESS, 0)
    answered = sum(int(row["answered"]) for row in rows)
    return Statistics(
        total_webhooks=int(counted["n"]),
        active_webhooks=int(counted["active"]),
        total_deliveries_24h=total,
        successful_deliveries_24h=good,
        failed_deliveries_24h=per_state.get(FAILED, 0),
        avg_response_time_ms=round(sum(int(row["waited_ms"]) for row in rows) / answered) if answered else 0,
        success_rate_24h=round(100 * good / total, 1) if total else 0.0,
        hours=_hours(hours, end_ms),
    )


def _hours(found: dict[int, dict[str, int]], end_ms: int) -> tuple[Hour, ...]:
    """One entry per hour, also for those in which nothing happened."""
    last = end_ms // HOUR_MS
    return tuple(
        Hour(
            start=datetime.fromtimestamp(hour * 3600, UTC),
            delivered=found.get(hour, {}).get(SUCCESS, 0),
            failed=found.get(hour, {}).get(FAILED, 0),
            pending=found.get(hour, {}).get(FRESH, 0) + found.get(hour, {}).get(RETRY, 0),
        )
        for hour in range(last - HOURS + 1, last + 1)
    )
