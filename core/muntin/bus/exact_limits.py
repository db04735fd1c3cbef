"""Limits that are exact across processes and outlive them, for one statement each: for passwords and codes."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from muntin.bus.counters import LimitState
from muntin.bus.models import LimitRow
from muntin.database import execute, fetch_all, uuid7

# Of several at once the row's lock lets one through after the other; the condition is looked at again for each.
_HIT = """
INSERT INTO core_limit (id, created_at, updated_at, bucket, window_number, used, ends_at_s)
VALUES (?, ?, ?, ?, ?, 1, ?)
ON CONFLICT (bucket) DO UPDATE SET
    used = CASE WHEN core_limit.window_number = excluded.window_number THEN core_limit.used + 1 ELSE 1 END,
    window_number = excluded.window_number, ends_at_s = excluded.ends_at_s, updated_at = excluded.updated_at
WHERE core_limit.window_number <> excluded.window_number OR core_limit.used < ?
RETURNING used
"""


async def hit_exactly(bucket: str, *, limit: int, window_s: int, clock: Callable[[], float] = time.time) -> LimitState:
    """Count one use of `bucket`, unless the limit (at least 1) is reached; see `Limits.hit`."""
    now = int(clock())
    number = now // window_s
    ends_at_s = (number + 1) * window_s
    stamp = datetime.fromtimestamp(now, UTC)
    rows = await fetch_all(_HIT, [uuid7(), stamp, stamp, bucket[:200], number, ends_at_s, limit])
    if not rows:
        return LimitState(limit, 0, ends_at_s, False)
    return LimitState(limit, limit - int(rows[0]["used"]), ends_at_s, True)


async def forget_hits(bucket: str) -> None:
    """Begin the bucket afresh, e.g. after the right password."""
    await LimitRow.filter(bucket=bucket[:200]).delete()


async def delete_past_limits(*, clock: Callable[[], float] = time.time) -> int:
    """Delete the rows whose window is over; how many that were. For a nightly task."""
    return await execute("DELETE FROM core_limit WHERE ends_at_s <= ?", [int(clock())])
