"""Sees a loop that stands still, and a process that grows, and whose code that is.

The loop beats; a thread looks at the beats. When they stay away for `STALL_S`, the thread looks at what the main thread
is doing, finds the innermost plugin on its stack (or, where there is none, the one that is noted as running), and tells
the supervisor, which quarantines and replaces. The same thread watches the memory of the process: what it grows by is
put down to the plugins that ran meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from types import FrameType

from muntin.supervisor.child import Supervised
from muntin.supervisor.cores import queued_s
from muntin.supervisor.growth import Growth
from muntin.supervisor.marker import Marker, marker
from muntin.supervisor.wire import BEAT, BEAT_S, BLOATED, MAX_LINE_BYTES, STALLED

STALL_S = 1.0
CROWDED_S = 2.0
"""So much of a stall is forgiven when other processes had the cores meanwhile."""

LOOK_S = 0.25
AGAIN_S = 5.0  # between two reports of one stall
ORPHAN_S = 20.0  # a process that cannot drain after its supervisor died ends by itself
STACK_CHARACTERS = MAX_LINE_BYTES // 2

PluginOf = Callable[[str], str | None]
"""Module name ("muntin_gameservers.console") -> plugin name, None for everything that is no plugin's."""


class Watchdog:
    """One per process; started from its main thread, inside its loop."""

    def __init__(
        self,
        supervised: Supervised,
        plugin_of: PluginOf,
        *,
        stall_s: float = STALL_S,
        memory_mib: int = 0,
        marker: Marker = marker,
    ) -> None:
        self._supervised = supervised
        self._plugin_of = plugin_of
        self._stall_s = stall_s
        self._marker = marker
        self._growth = Growth(memory_mib) if memory_mib else None  # 0: the memory is not watched
        self._native_thread = threading.get_native_id()
        self._queued_before_s = 0.0
        self._beaten_at_s = time.monotonic()
        self._told_at_s = 0.0
        self._orphan_since_s: float | None = None
        self._main_thread = threading.get_ident()
        self._stop = threading.Event()
        self._beating: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin to beat and to look; call in the loop that is watched."""
        self._main_thread = threading.get_ident()
        self._native_thread = threading.get_native_id()
        self._beating = asyncio.create_task(self._beat(), name="muntin-heart")
        threading.Thread(target=self._look, name="muntin-watchdog", daemon=True).start()

    def close(self) -> None:
        """End both; for a process that stops and may take its time."""
        self._stop.set()
        self._supervised.write(BEAT)  # it got this far: if its loop stood still, it goes on now
        if self._beating is not None:
            self._beating.cancel()

    async def _beat(self) -> None:
        told_at_s = 0.0
        while True:
            self._queued_before_s = self._queued_s()
            self._beaten_at_s = time.monotonic()
            if self._beaten_at_s - told_at_s >= BEAT_S:
                told_at_s = self._beaten_at_s
                self._supervised.write(BEAT)
            await asyncio.sleep(self._stall_s / 2)

    def _look(self) -> None:
        looked_at_s = time.monotonic()
        while not self._stop.wait(LOOK_S):
            now_s = time.monotonic()
            overslept = now_s - looked_at_s > LOOK_S + self._stall_s / 2  # then the machine stood still, not the loop
            looked_at_s = now_s
            self._end_when_orphaned(now_s)
            stalled_s = now_s - self._beaten_at_s - self._crowded_out_s()
            if stalled_s > self._stall_s and not overslept and now_s - self._told_at_s > AGAIN_S:
                self._tell(stalled_s)
            self._look_at_memory(is_stalled=stalled_s > self._stall_s / 2)

    def _crowded_out_s(self) -> float:
        """For how long the loop could have gone on since its last beat, had there been a core for it."""
        return min(self._queued_s() - self._queued_before_s, CROWDED_S)

    def _queued_s(self) -> float:
        return queued_s(os.getpid(), self._native_thread)

    def _look_at_memory(self, *, is_stalled: bool) -> None:
        if self._growth is None:
            return
        self._growth.look(self._running_now() if is_stalled else self._marker.plugin, self._marker)
        if self._growth.is_over and not self._growth.is_told:
            self._growth.is_told = True
            self._supervised.write(f"{BLOATED} {json.dumps(self._growth.report(is_stalled=is_stalled))}")

    def _running_now(self) -> str | None:
        """The plugin whose code the main thread is in."""
        found = (name for module in _modules(self._frame()) if (name := self._plugin_of(module)))
        return next(found, None) or self._marker.plugin

    def _frame(self) -> FrameType | None:
        return sys._current_frames().get(self._main_thread)

    def _tell(self, stalled_s: float) -> None:
        frame = self._frame()
        if frame is None:
            return
        self._told_at_s = time.monotonic()
        plugin = self._running_now()
        stack = "".join(traceback.format_stack(frame)[-12:])[-STACK_CHARACTERS:]
        report = {"plugin": plugin, "stalled_s": round(stalled_s, 1), "stack": stack}
        self._supervised.write(f"{STALLED} {_fitting(report)}")

    def _end_when_orphaned(self, now_s: float) -> None:
        """The system sends SIGTERM when the supervisor dies; a loop that stands still does not act on it."""
        if self._supervised.parent_pid is None or os.getppid() == self._supervised.parent_pid:
            return
        self._orphan_since_s = self._orphan_since_s or now_s
        if now_s - self._orphan_since_s > ORPHAN_S:
            os._exit(1)


def _modules(frame: FrameType | None) -> Iterator[str]:
    """The modules on a stack, innermost first."""
    while frame is not None:
        yield str(frame.f_globals.get("__name__", ""))
        frame = frame.f_back


def _fitting(report: Mapping[str, object]) -> str:
    """The report as JSON that fits a line, whatever the stack holds; it is cut at its outer end."""
    stack = str(report["stack"])
    while len(text := json.dumps({**report, "stack": stack})) > MAX_LINE_BYTES - len(STALLED) - 2 and stack:
        stack = stack[len(stack) // 4 + 1 :]
    return text
