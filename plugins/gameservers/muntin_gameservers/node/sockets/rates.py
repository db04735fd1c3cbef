"""How often a socket may say what."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """One message per `interval_s`, up to `burst` at once."""

    interval_s: float
    burst: int


GLOBAL = Rate(0.2, 10)
RATES = {"auth": Rate(5.0, 2), "send logs": Rate(5.0, 2), "send command": Rate(1.0, 10)}
OTHERS = Rate(1.0, 4)
KNOWN_EVENTS = frozenset({"auth", "set state", "send command", "send logs", "send stats"})


class _Bucket:
    def __init__(self, rate: Rate, now_s: float) -> None:
        self._rate = rate
        self._left = float(rate.burst)
        self._at_s = now_s

    def take(self, now_s: float) -> bool:
        """Whether one more fits."""
        self._left = min(self._rate.burst, self._left + (now_s - self._at_s) / self._rate.interval_s)
        self._at_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True


class RateLimits:
    """The limits of one socket."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def exceeded(self, event: str) -> str | None:
        """The name of the limit that this message exceeds: `global`, the event, or None."""
        now_s = self._clock()
        if not self._bucket("global", GLOBAL, now_s).take(now_s):
            return "global"
        rate = RATES.get(event, OTHERS)
        return None if self._bucket(event, rate, now_s).take(now_s) else event

    def _bucket(self, name: str, rate: Rate, now_s: float) -> _Bucket:
        if name not in self._buckets:
            self._buckets[name] = _Bucket(rate, now_s)
        return self._buckets[name]
