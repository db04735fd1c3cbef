"""What time it is. Whatever is due at a time asks here, so that a test lets days pass by a call (`muntin.testing`).

Deadlines of running work do not: they are the event loop's (`asyncio.timeout`) and stay real.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

__all__ = ["now", "now_s", "running_on"]

_seconds: Callable[[], float] = time.time


def now_s() -> float:
    """Seconds since 1970."""
    return _seconds()


def now() -> datetime:
    """The same as an aware time in UTC."""
    return datetime.fromtimestamp(_seconds(), UTC)


@contextmanager
def running_on(seconds: Callable[[], float]) -> Iterator[None]:
    """Ask `seconds` instead of the machine, in this process, for the time of the block; for tests."""
    global _seconds  # the one clock of the process
    before, _seconds = _seconds, seconds
    try:
        yield
    finally:
        _seconds = before
