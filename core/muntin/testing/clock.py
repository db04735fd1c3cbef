"""The fixture `clock`: time passes when a test says so."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

__all__ = ["Clock"]


class Clock:
    """What `muntin.clock` says while the fixture is in use; it begins at the real time and stands still.

    Jobs, crons, retries of events, and whatever else asks `muntin.clock` obey it. Nothing runs by itself when time
    passes: `await outbox.relay()` does what is due by then.
    """

    def __init__(self) -> None:
        self.now_s = time.time()

    def __call__(self) -> float:
        """Seconds since 1970."""
        return self.now_s

    @property
    def now(self) -> datetime:
        """The same as an aware time in UTC."""
        return datetime.fromtimestamp(self.now_s, UTC)

    def advance(self, seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """Let time pass."""
        self.now_s += timedelta(seconds=seconds, minutes=minutes, hours=hours, days=days).total_seconds()
