"""Sees when something blocks the event loop, and says where."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import traceback

log = logging.getLogger(__name__)

BEAT_S = 0.25


class LoopWatch:
    """A beat on the loop, and a thread that logs the loop's stack when the beat stays away.

    Args:
        limit_s: A stall longer than this is logged, once.
    """

    def __init__(self, *, limit_s: float = 1.0) -> None:
        self._limit_s = limit_s
        self._beat_s = time.monotonic()
        self._stopped = threading.Event()
        self.stalls = 0

    async def run(self) -> None:
        """Watch until cancelled."""
        loop_thread = threading.get_ident()
        self._beat_s = time.monotonic()
        threading.Thread(target=self._watch, args=(loop_thread,), name="loop-watch", daemon=True).start()
        try:
            while True:
                self._beat_s = time.monotonic()
                await asyncio.sleep(BEAT_S)
        finally:
            self._stopped.set()

    def _watch(self, loop_thread: int) -> None:
        reported_s = 0.0
        while not self._stopped.wait(BEAT_S):
            beat_s = self._beat_s
            if beat_s != reported_s and time.monotonic() - beat_s > self._limit_s + BEAT_S:
                reported_s = beat_s
                self.stalls += 1
                frame = sys._current_frames().get(loop_thread)  # documented for debuggers
                stack = "".join(traceback.format_stack(frame)) if frame else "(no stack)"
                log.error("the event loop is stalled by:\n%s", stack)
