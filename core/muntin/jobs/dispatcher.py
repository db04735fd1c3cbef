"""Hands queued jobs to the journal, as many as there is room for, and passes on who is to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

from muntin.bus import Json
from muntin.clock import now_s
from muntin.jobs import ledger
from muntin.jobs.contributions import QueueName, Task
from muntin.jobs.crons import Crons
from muntin.jobs.journal import Journal
from muntin.jobs.limits import limits_of
from muntin.jobs.models import JobRow
from muntin.jobs.runner import Interrupt, Runner

log = logging.getLogger(__name__)

LOST_AFTER_S = 30.0

ROOM: dict[QueueName, int] = {"default": 10, "heavy": 2}
"""How many of a queue run at once in one worker."""
POLL_S = 2.0
"""How long a job waits at most when the message that it is queued was missed."""


@dataclass(frozen=True, slots=True)
class _Started:
    """A job that takes room; `at_s` on the monotonic clock."""

    queue: str
    plugin: str
    at_s: float


class Dispatcher:
    """One loop per worker."""

    def __init__(
        self,
        runner: Runner,
        journal: Journal,
        crons: Crons,
        worker_id: str,
        *,
        clock: Callable[[], float] = now_s,
    ) -> None:
        self._runner = runner
        self._journal = journal
        self._crons = crons
        self._worker_id = worker_id
        self._clock = clock
        self._wake = runner.freed
        self._starting: dict[UUID, _Started] = {}  # claimed, not yet seen running
        runner.begun = self._seen_running

    def wake(self, *_: object) -> None:
        """Look at once."""
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self.turn()
                pause_s = await self._pause_s()
            except Exception:  # the database may be away for a while; this loop must outlive that
                log.exception("jobs cannot be looked at, again in %.0f s", POLL_S)
                pause_s = POLL_S
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause_s)

    async def turn(self) -> None:
        """Look once."""
        await self._crons.queue_due()
        await self._pass_on_cancellations()
        for queue in ROOM:
            await self._fill(queue)

    def hear_cancel(self, _topic: str, data: Json) -> None:
        """Somebody cancelled a job; if it runs here and is a task, stop it. A saga sees it at its next step."""
        with contextlib.suppress(ValueError):
            self._interrupt_tasks([UUID(str(data))])

    async def _pass_on_cancellations(self) -> None:
        ids = [row.id for row in self._runner.running]
        if ids:
            asked = await JobRow.filter(id__in=ids, cancel_requested=True).values_list("id", flat=True)
            self._interrupt_tasks([UUID(str(job_id)) for job_id in asked])

    def _interrupt_tasks(self, job_ids: list[UUID]) -> None:
        kinds = {row.id: self._runner.handlers.get(row.name) for row in self._runner.running}
        tasks = [job_id for job_id in job_ids if isinstance(kinds.get(job_id), Task)]
        self._runner.interrupt(tasks, Interrupt.CANCELLED)

    async def _fill(self, queue: QueueName) -> None:
        while (room := ROOM[queue] - self._used()[queue]) > 0:
            names = self._startable(queue)
            rows = await ledger.find_due(names, now_ms=int(self._clock() * 1000), limit=room) if names else []
            started = [await self._take(row, queue) for row in rows]
            if len(rows) < room or not any(started):
                return

    def _startable(self, queue: QueueName) -> list[str]:
        """Names of jobs whose plugin has not as many running as it may."""
        busy = self._busy()
        named = [name for name, handler in self._runner.handlers.items() if handler.queue == queue]
        return [name for name in named if busy[_plugin(name)] < limits_of(_plugin(name)).concurrency]

    async def _take(self, row: JobRow, queue: QueueName) -> bool:
        """Start a job unless its plugin has enough running, or another worker was faster."""
        if self._busy()[row.plugin] >= limits_of(row.plugin).concurrency:
            return False
        if not await ledger.claim(row, self._worker_id, queue):
            return False
        await self._start(row)
        return True

    def _occupied(self) -> Iterable[_Started]:
        running = {row.id: _Started(row.queue or "default", row.plugin, 0.0) for row in self._runner.running}
        return (self._starting | running).values()

    def _used(self) -> Counter[str]:
        self._forget_lost()
        return Counter(one.queue for one in self._occupied())

    def _busy(self) -> Counter[str]:
        return Counter(one.plugin for one in self._occupied())

    def _seen_running(self, job_id: UUID) -> None:
        self._starting.pop(job_id, None)

    def _forget_lost(self) -> None:
        """What the journal never began: the sweeper finds those jobs again, here they must not take room for ever."""
        oldest_s = time.monotonic() - LOST_AFTER_S
        self._starting = {job_id: one for job_id, one in self._starting.items() if one.at_s > oldest_s}

    async def _start(self, row: JobRow) -> None:
        self._starting[row.id] = _Started(row.queue or "default", row.plugin, time.monotonic())
        try:
            is_begun = await self._journal.start(ledger.workflow_id(row), row.id, row.run, is_known=row.attempts > 0)
            if not is_begun:
                self._seen_running(row.id)
                await ledger.queue_again(row, new_run=True)
        except BaseException:
            self._seen_running(row.id)
            await ledger.queue_again(row, new_run=False)
            raise

    async def _pause_s(self) -> float:
        due_ms = await ledger.next_due_ms(list(self._runner.handlers))
        now_s = self._clock()
        times = [POLL_S]
        if due_ms is not None and due_ms / 1000 > now_s:
            times.append(due_ms / 1000 - now_s)
        if (cron_s := self._crons.next_s) is not None:
            times.append(max(0.0, cron_s - now_s))
        return min(times) + 0.001


def _plugin(name: str) -> str:
    return name.split(".", 1)[0]
