"""When a delivery that failed is tried again."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MINUTE, HOUR = 60.0, 3600.0
DELAYS_S = (5.0, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 12 * HOUR, 24 * HOUR, 30 * HOUR)
"""Nine attempts in all, the last one a little more than three days after the first."""

JITTER = 0.05
"""At most so much later, so that those who failed together do not come back together."""

LONGEST_WAIT_S = 24 * HOUR
"""What a receiver may ask for at most."""

_LONGEST_OWN_S = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Schedule:
    """Attempts of one webhook's deliveries.

    Attributes:
        retry_count: Attempts after the first; `None` for the schedule over three days.
        retry_delay_s: Before the second attempt, doubling; `None` for that schedule's.
    """

    retry_count: int | None = None
    retry_delay_s: int | None = None

    @property
    def attempts(self) -> int:
        """How often it is tried at most."""
        return 1 + (len(DELAYS_S) if self.retry_count is None else self.retry_count)

    def delay_s(self, attempts: int, *, asked_s: float | None = None) -> float | None:
        """Seconds until the next attempt after so many; `None` when that was the last.

        Args:
            asked_s: What the receiver asked for (`Retry-After`); waits at least that long, within reason.
        """
        if attempts >= self.attempts:
            return None
        delay_s = self._own_s(attempts) * (1 + random.uniform(0, JITTER))  # noqa: S311 - spreads load, guards nothing
        return max(delay_s, min(asked_s or 0.0, LONGEST_WAIT_S))

    def _own_s(self, attempts: int) -> float:
        if self.retry_delay_s is not None:
            return min(self.retry_delay_s * 2.0 ** (attempts - 1), _LONGEST_OWN_S)
        return DELAYS_S[min(attempts, len(DELAYS_S)) - 1]


def read_retry_after(value: str | None, *, now_s: float) -> float | None:
    """`Retry-After` in seconds: a number, or a date (RFC 9110 section 10.2.3); `None` when it is neither."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return max(0.0, (aware - datetime.fromtimestamp(now_s, UTC)).total_seconds())
