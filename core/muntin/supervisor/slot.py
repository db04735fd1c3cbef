"""A place for one child that is always to be filled."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Awaitable, Callable

from muntin.supervisor.plan import ChildPlan
from muntin.supervisor.process import Process

log = logging.getLogger(__name__)

FIRST_BACKOFF_S, LAST_BACKOFF_S = 0.1, 10.0
STEADY_S = 10.0  # who lived this long starts again without waiting

Start = Callable[[str, ChildPlan, bool], Awaitable[Process]]  # (slot, plan, held)
Report = Callable[[str, str, Process | None], None]  # (slot, what happened, process)


class Slot:
    """Starts its child again whenever it dies, and can exchange it for a new one."""

    def __init__(self, name: str, plan: ChildPlan, start: Start, report: Report) -> None:
        self.name = name
        self.plan = plan
        self.current: Process | None = None
        self.ready = asyncio.Event()
        self._start = start
        self._report = report
        self._stopping = asyncio.Event()
        self._changing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._draining: set[Process] = set()
        self._held: Process | None = None

    async def prepare(self) -> None:
        """Start a child that waits for `open`, where the plan allows that; it imports its code meanwhile."""
        if self.plan.waits_for_go:
            with contextlib.suppress(OSError):  # it is tried again, and reported, when the slot opens
                self._held = await self._start(self.name, self.plan, True)

    def open(self) -> None:
        """Fill the place from now on."""
        self._task = asyncio.create_task(self._keep(), name=f"slot-{self.name}")

    async def replace(self) -> bool:
        """Exchange the child for a new one, which is ready before the old one stops (where two may run at once).

        Returns:
            Whether it was exchanged; when the new one does not become ready, the old one goes on.
        """
        async with self._changing:
            if self._stopping.is_set():
                return False
            old = self.current
            if old is not None and not self.plan.overlaps:
                self.current = None
                await old.stop()
                old = None
            new = await self._begin()
            if new is None:
                return False
            self.current = new
        self.ready.set()
        if old is not None:
            self._draining.add(old)
            await old.stop()
            self._draining.discard(old)
            self._report(self.name, "stopped", old)
        return True

    async def stop(self) -> None:
        """Leave the place empty; the child has its time to drain."""
        self._stopping.set()
        running = {*self._draining, *(one for one in (self.current, self._held) if one is not None)}
        await asyncio.gather(*(process.stop() for process in running))
        if self._task is not None:
            await self._task

    async def kill(self) -> None:
        """End the child at once; unless the slot was stopped, it is filled again."""
        if self.current is not None:
            await self.current.kill()

    async def _keep(self) -> None:
        backoff_s = FIRST_BACKOFF_S
        while not self._stopping.is_set():
            async with self._changing:
                if self.current is None:
                    self.current = await self._begin()
                process = self.current
            if process is not None:
                self.ready.set()
                await process.exited.wait()
                if self._stopping.is_set() or self.current is not process:
                    continue
                self.current = None
                self._report(self.name, "died", process)
                if time.monotonic() - process.started_at_s > STEADY_S:
                    backoff_s = FIRST_BACKOFF_S
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), backoff_s)
            backoff_s = min(backoff_s * 2, LAST_BACKOFF_S)

    async def _begin(self) -> Process | None:
        """Start a child and see it ready; None when it is not in its time."""
        try:
            process = self._released() or await self._start(self.name, self.plan, False)
        except OSError as error:
            log.error("%s cannot be started: %s", self.name, error)
            return None
        self._report(self.name, "started", process)
        stopping = asyncio.create_task(self._stop_early(process))
        try:
            is_ready = await process.wait_ready()
        except asyncio.CancelledError:
            process.send_signal(signal.SIGKILL)
            raise
        finally:
            stopping.cancel()
        if self._stopping.is_set():
            await process.stop()
            return None
        if not is_ready:
            await process.kill()
            self._report(self.name, "never became ready", process)
            return None
        self._report(self.name, "ready", process)
        return process

    def _released(self) -> Process | None:
        """The child that was started beforehand, if it still lives."""
        held, self._held = self._held, None
        if held is None or held.exited.is_set():
            return None
        held.go()
        return held

    async def _stop_early(self, process: Process) -> None:
        """Do not wait for a child to become ready while everything is to stop."""
        await self._stopping.wait()
        process.send_signal(signal.SIGTERM)
