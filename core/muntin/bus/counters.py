"""Limits counted across processes, at the price of a dictionary look-up per request.

Each process counts its own hits and tells the others its sums a few times a second; what is known of all together
decides. A sum replaces the earlier one of the same process, so a missed or repeated message does no harm, and a process
that just started asks for what the others know.

How exact: within one process, exactly. Across processes, up to `SHARE_S` (plus the bus's few milliseconds) of the other
processes' hits may be unknown, so at most what they let through in that time is admitted above the limit. Where that is
too much (passwords), use `muntin.bus.exact_limits`.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from muntin.bus.interface import Bus, Json

SHARE_S = 0.05
TOPIC, ASK_TOPIC = "limits.sums", "limits.ask"
MAX_BUCKETS = 100_000
BUCKETS_PER_MESSAGE = 500


@dataclass(frozen=True, slots=True)
class LimitState:
    """Where a bucket stands after a hit."""

    limit: int
    remaining: int
    reset_at: int  # seconds since 1970 (UTC), when the window ends
    allowed: bool


@dataclass(slots=True)
class _Window:
    """The hits of one bucket in one window of time."""

    number: int  # windows since 1970
    window_s: int
    own: int = 0
    others: int = 0  # the sum of `by_origin`
    by_origin: dict[str, int] = field(default_factory=dict)  # what the other processes counted

    def merge(self, origin: str, total: int) -> None:
        """Take over another process's sum, unless a later one is known."""
        known = self.by_origin.get(origin, 0)
        if total > known:
            self.by_origin[origin] = total
            self.others += total - known


class Limits:
    """Fixed windows of time, aligned to the clock. A refused hit is not counted."""

    def __init__(self, bus: Bus, *, clock: Callable[[], float] = time.time, share_s: float = SHARE_S) -> None:
        self._bus = bus
        self._clock = clock
        self._share_s = share_s
        self._origin = secrets.token_hex(6)
        self._windows: dict[str, _Window] = {}
        self._changed: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._rounds = 0
        self._unsubscribe = (bus.subscribe(TOPIC, self._hear), bus.subscribe(ASK_TOPIC, self._answer))

    def open(self) -> None:
        """Ask the others what they know."""
        self._bus.publish(ASK_TOPIC, self._origin)

    def close(self) -> None:
        """Tell the others the last sums and stop."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        if self._timer is not None:
            self._timer.cancel()
            self._tell_changed()

    def hit(self, bucket: str, *, limit: int, window_s: int) -> LimitState:
        """Count one use of `bucket` (e.g. `key:bp_x`), unless the limit is reached.

        Args:
            limit: Uses per window.
            window_s: Length of the window; one bucket always has the same.
        """
        number = int(self._clock()) // window_s
        window = self._windows.get(bucket)
        if window is None or window.number != number:
            window = self._open_window(bucket, number, window_s)
        reset_at = (number + 1) * window_s
        used = window.own + window.others
        if used >= limit:
            return LimitState(limit, 0, reset_at, False)
        window.own += 1
        self._changed.add(bucket)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._share_s, self._tell_changed)
        return LimitState(limit, limit - used - 1, reset_at, True)

    def _open_window(self, bucket: str, number: int, window_s: int) -> _Window:
        if len(self._windows) >= MAX_BUCKETS:
            self._forget_past()
        if len(self._windows) >= MAX_BUCKETS:
            self._windows.pop(next(iter(self._windows)))  # the oldest; memory is bounded before counts are exact
        window = self._windows[bucket] = _Window(number, window_s)
        return window

    def _forget_past(self) -> None:
        now = int(self._clock())
        past = [bucket for bucket, window in self._windows.items() if window.number < now // window.window_s]
        for bucket in past:
            del self._windows[bucket]

    def _hear(self, _topic: str, data: Any) -> None:
        """Merge what another process said: `[[origin, bucket, window_s, number, sum], ...]`."""
        now = int(self._clock())
        for origin, bucket, window_s, number, total in data:
            if origin == self._origin or number < now // window_s:
                continue
            window = self._windows.get(bucket)
            if window is None or window.number < number:
                window = self._open_window(bucket, number, window_s)
            if window.number == number:
                window.merge(origin, total)

    def _answer(self, _topic: str, asking: Json) -> None:
        """Tell a new process all that is known, of processes that are gone too."""
        if asking != self._origin:
            self._tell(entry for bucket, window in self._windows.items() for entry in self._known(bucket, window))

    def _known(self, bucket: str, window: _Window) -> Iterable[Json]:
        for origin, total in ((self._origin, window.own), *window.by_origin.items()):
            if total:
                yield [origin, bucket, window.window_s, window.number, total]

    def _tell_changed(self) -> None:
        """Share the sums that grew; runs only while there are hits, so an idle process sleeps."""
        self._timer = None
        self._rounds += 1
        if self._rounds % 200 == 0:
            self._forget_past()
        windows = [(bucket, self._windows.get(bucket)) for bucket in self._changed]
        self._changed.clear()
        self._tell([self._origin, bucket, w.window_s, w.number, w.own] for bucket, w in windows if w and w.own)

    def _tell(self, entries: Iterable[Json]) -> None:
        waiting = list(entries)
        for start in range(0, len(waiting), BUCKETS_PER_MESSAGE):
            self._bus.publish(TOPIC, waiting[start : start + BUCKETS_PER_MESSAGE])
