"""How often somebody may ask: counted per credential, or per address for those without one; per thing; per socket."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from muntin.bus.counters import LimitState
from muntin.call import Call
from muntin.errors import TooManyRequests
from muntin.runtime import panel


def count_call(call: Call, *, bucket: str, per_minute: int) -> None:
    """Count one request and announce what is left in `X-RateLimit-*`.

    Args:
        bucket: Name of the counter; dialects do not share theirs.
        per_minute: Before the role's multiplier.

    Raises:
        TooManyRequests: Nothing is left in this minute.
    """
    limit = max(1, int(per_minute * call.actor.rate_multiplier))
    hit(call, f"{bucket}:{call.actor.credential}", limit=limit, window_s=60)


def hit(call: Call, counter: str, *, limit: int, window_s: int) -> None:
    """Count one use of a named counter across all processes.

    Raises:
        TooManyRequests: It is used up; `Retry-After` says when it is not.
    """
    state = panel().limits.hit(counter, limit=limit, window_s=window_s)
    call.response_headers["X-RateLimit-Limit"] = str(state.limit)
    call.response_headers["X-RateLimit-Remaining"] = str(state.remaining)
    call.response_headers["X-RateLimit-Reset"] = str(state.reset_at)
    _refuse_used_up(state)


def count_use(counter: str, *, limit: int, window_s: int) -> None:
    """Count one use of a thing across all processes, whoever uses it by whatever way; for services.

    Args:
        counter: Names plugin and thing: `gameservers.orders:<server id>`.

    Raises:
        TooManyRequests: It is used up; `Retry-After` says when it is not.
    """
    _refuse_used_up(panel().limits.hit(counter, limit=limit, window_s=window_s))


def _refuse_used_up(state: LimitState) -> None:
    if not state.allowed:
        raise TooManyRequests(state.reset_at - int(time.time()))


class Pace:
    """How many messages one socket may send within a sliding stretch of time."""

    def __init__(self, *, messages: int, within_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._within_s = within_s
        self._clock = clock
        self._times: deque[float] = deque(maxlen=messages)

    def is_exceeded(self) -> bool:
        """Count one message; whether it is one too many."""
        now = self._clock()
        exceeded = len(self._times) == self._times.maxlen and now - self._times[0] < self._within_s
        self._times.append(now)
        return exceeded
