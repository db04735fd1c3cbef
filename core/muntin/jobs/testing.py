"""Jobs without a worker, for tests: in this process, now, on a clock that is set by hand."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from muntin.jobs import ledger
from muntin.jobs.contributions import Contribution
from muntin.jobs.crons import Crons
from muntin.jobs.handlers import sort_out
from muntin.jobs.job import Job
from muntin.jobs.journal import Work
from muntin.jobs.models import JobRow
from muntin.jobs.runner import Runner

_WORKER = "test"
_current_run: contextvars.ContextVar[str] = contextvars.ContextVar("muntin_test_run")


class FakeClock:
    """Seconds since 1970 that pass when told to; begins now."""

    def __init__(self, now_s: float | None = None) -> None:
        self.now_s = time.time() if now_s is None else now_s

    def __call__(self) -> float:
        """What `time.time` would say."""
        return self.now_s

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now_s += seconds


class MemoryJournal:
    """Remembers the steps of each run as long as it lives; give one to several `run_pending` to play a crash."""

    def __init__(self) -> None:
        self._steps: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._taken: dict[str, int] = defaultdict(int)

    def begin(self, run: str) -> None:
        """The steps that follow belong to this run, from its first on."""
        _current_run.set(run)
        self._taken[run] = 0

    async def step(self, name: str, work: Work) -> dict[str, Any]:
        """See `StepJournal`."""
        run = _current_run.get()
        position = self._taken[run]
        self._taken[run] += 1
        if position == len(self._steps[run]):
            self._steps[run].append(await work())
        return self._steps[run][position]


async def run_pending(
    contributions: Iterable[Contribution],
    *,
    clock: Callable[[], float] = time.time,
    journal: MemoryJournal | None = None,
) -> list[Job]:
    """Run what is due, and what that queues, until nothing is due; each job that ran, as it is now.

    What failed and has attempts left is due again later: advance the clock and call again.
    """
    handlers, crons = sort_out(contributions)
    journal = journal or MemoryJournal()
    runner = Runner(journal, _WORKER, clock=clock)
    runner.handlers = handlers
    await ledger.park_unknown(list(handlers))
    await ledger.unpark_known(list(handlers))
    due_crons = Crons(clock)
    due_crons.use(crons)
    ran: dict[UUID, None] = {}
    await due_crons.queue_due()
    while rows := await ledger.find_due(list(handlers), now_ms=int(clock() * 1000), limit=1):
        await _run(runner, journal, rows[0])
        ran[rows[0].id] = None
    return [Job.of(await JobRow.get(id=job_id)) for job_id in ran]


async def _run(runner: Runner, journal: MemoryJournal, row: JobRow) -> None:
    await ledger.claim(row, _WORKER, runner.handlers[row.name].queue)

    async def attempt() -> None:
        journal.begin(ledger.workflow_id(row))
        await runner.run(row.id, row.run)

    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.create_task(attempt(), context=contextvars.Context())
