"""Takes over what dead workers left, and moves jobs between waiting and parked as plugins come and go."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from muntin.jobs import ledger
from muntin.jobs.job import JobState
from muntin.jobs.journal import Journal
from muntin.jobs.locks import WorkerLocks
from muntin.jobs.models import JobRow
from muntin.jobs.runner import Runner

log = logging.getLogger(__name__)

SWEEP_S = 5.0
STRAY_SWEEPS = 6
"""A job of our own that is claimed but not running for so long lost its run, e.g. because the database was away."""
SWEEPS_PER_CLEANING = 720


class Sweeper:
    """One loop per worker."""

    def __init__(
        self,
        runner: Runner,
        journal: Journal,
        locks: WorkerLocks,
        worker_id: str,
        *,
        wake: Callable[[], None],
        sweep_s: float = SWEEP_S,
    ) -> None:
        self._runner = runner
        self._journal = journal
        self._locks = locks
        self._worker_id = worker_id
        self._wake = wake
        self._sweep_s = sweep_s
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Sweep at once."""
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled."""
        sweeps = 0
        while True:
            try:
                await self.sweep()
                sweeps += 1
                if sweeps % SWEEPS_PER_CLEANING == 0:
                    await self._journal.forget_old()
            except Exception:  # the database may be away for a while; this loop must outlive that
                log.exception("jobs cannot be swept, again in %.0f s", self._sweep_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._sweep_s)
            self._woken.clear()

    async def sweep(self) -> None:
        """Once."""
        names = list(self._runner.handlers)
        await ledger.park_unknown(names)
        unparked = await ledger.unpark_known(names)
        await self._take_over_strays()
        taken = await self._take_over_the_dead()
        if unparked or taken:
            self._wake()

    async def _take_over_the_dead(self) -> int:
        rows = await JobRow.filter(state=JobState.RUNNING.value).exclude(worker=self._worker_id)
        by_worker = defaultdict(list)
        for row in rows:
            by_worker[row.worker or ""].append(row)
        taken = 0
        for worker, left in by_worker.items():
            async with self._locks.seize(worker) as is_dead:
                if is_dead:
                    taken += await self._take_over(left, worker)
        return taken

    async def _take_over_strays(self) -> None:
        running = {row.id for row in self._runner.running}
        oldest = datetime.now(UTC) - timedelta(seconds=STRAY_SWEEPS * self._sweep_s)
        rows = await JobRow.filter(state=JobState.RUNNING.value, worker=self._worker_id, updated_at__lt=oldest)
        await self._take_over([row for row in rows if row.id not in running], self._worker_id)

    async def _take_over(self, rows: list[JobRow], worker: str) -> int:
        """Have runs that were begun go on, and queue again those that were not, or whose end never got written."""
        statuses = await self._journal.statuses([ledger.workflow_id(row) for row in rows]) if rows else {}
        to_resume = []
        taken = 0
        for row in rows:
            status = statuses.get(ledger.workflow_id(row))
            if status is None or status.is_over:
                taken += await ledger.queue_again(row, new_run=status is not None)
            elif not status.is_waiting and status.executor in (worker, None):
                to_resume.append(ledger.workflow_id(row))
        if to_resume:
            await self._journal.resume(to_resume)
            log.warning("worker %s is gone: %d of its jobs go on", worker, len(to_resume))
        return taken + len(to_resume)
