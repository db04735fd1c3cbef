"""The worker's side of durable work."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

from muntin.bus import Bus, Unsubscribe
from muntin.jobs.contributions import Contribution
from muntin.jobs.crons import Crons
from muntin.jobs.desk import CANCEL_TOPIC, QUEUED_TOPIC, announce_jobs
from muntin.jobs.dispatcher import Dispatcher
from muntin.jobs.handlers import sort_out
from muntin.jobs.locks import FileLocks, PostgresLocks, WorkerLocks
from muntin.jobs.runner import Interrupt, Runner
from muntin.jobs.sweeper import SWEEP_S, Sweeper

if TYPE_CHECKING:
    from muntin.configuration import Configuration
    from muntin.jobs.dbos_journal import DbosJournal

DRAIN_S = 10.0
HOST_CHARACTERS = 40
"""Of an id that is made up, which is stored in 64."""


class JobEngine:
    """Runs the jobs of the enabled plugins, from `open` to `close`, in one worker process.

    When `lost` is set, other workers take this one's jobs for a dead one's: the process must end at once.
    """

    def __init__(
        self,
        worker_id: str,
        runner: Runner,
        dispatcher: Dispatcher,
        crons: Crons,
        journal: DbosJournal,
        sweeper: Sweeper,
        locks: WorkerLocks,
    ) -> None:
        self.worker_id = worker_id
        self.lost = locks.lost
        self._runner = runner
        self._dispatcher = dispatcher
        self._crons = crons
        self._journal = journal
        self._sweeper = sweeper
        self._locks = locks
        self._tasks: list[asyncio.Task[None]] = []
        self._unsubscribe: list[Unsubscribe] = []

    @classmethod
    async def open(
        cls,
        configuration: Configuration,
        contributions: Iterable[Contribution],
        *,
        bus: Bus,
        worker_id: str | None = None,
        sweep_s: float = SWEEP_S,
    ) -> JobEngine:
        """Begin to work. The database of this process is open already.

        Args:
            contributions: Of the enabled plugins; jobs of others are parked.
            worker_id: Must never have been used before, unless that worker is known to be dead; made up by default.
            sweep_s: Between two looks for what dead workers left.

        Raises:
            WorkerTaken: A live worker has this id.
            InvalidContribution: See `use`.
        """
        from muntin.jobs.dbos_journal import DbosJournal  # DBOS costs 30 MiB, which only workers shall pay

        worker_id = worker_id or f"{socket.gethostname()[:HOST_CHARACTERS]}:{os.getpid()}:{secrets.token_hex(4)}"
        journal = DbosJournal(worker_id, store_url=configuration.store_url, data_dir=configuration.data_dir)
        locks = _locks(configuration)
        runner, crons = Runner(journal, worker_id), Crons()
        dispatcher = Dispatcher(runner, journal, crons, worker_id)
        sweeper = Sweeper(runner, journal, locks, worker_id, wake=dispatcher.wake, sweep_s=sweep_s)
        engine = cls(worker_id, runner, dispatcher, crons, journal, sweeper, locks)
        await locks.hold(worker_id)
        try:
            await engine.use(contributions)
            await journal.open(runner.run)
        except BaseException:
            await locks.close()
            raise
        engine._begin(bus)
        return engine

    async def use(self, contributions: Iterable[Contribution]) -> None:
        """Work with this set from now on: what is not in it is parked, also if it is running; what is in it goes on.

        Raises:
            InvalidContribution: Nothing was changed.
        """
        handlers, crons = sort_out(contributions)
        self._runner.handlers = handlers
        self._crons.use(crons)
        gone = [row.id for row in self._runner.running if row.name not in handlers]
        ending = self._runner.interrupt(gone, Interrupt.PARKED)
        await asyncio.gather(*ending, return_exceptions=True)
        if self._tasks:
            await self._sweeper.sweep()
            self._dispatcher.wake()

    def seize(self, worker_id: str) -> AbstractAsyncContextManager[bool]:
        """Whether that worker is dead; if so, nobody else can find that out while this is open."""
        return self._locks.seize(worker_id)

    def look_for_the_dead(self) -> None:
        """A worker may have died; see now what it left, rather than in a moment."""
        self._sweeper.wake()

    async def close(self, *, drain_s: float = DRAIN_S) -> None:
        """Take no more jobs, let the running ones end in `drain_s`, and leave the rest to others."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._drain(drain_s)
        await asyncio.gather(*self._interrupt_all(), return_exceptions=True)
        await self._journal.close()
        await self._locks.close()

    def _begin(self, bus: Bus) -> None:
        self._unsubscribe = [
            announce_jobs(bus),
            bus.subscribe(QUEUED_TOPIC, self._dispatcher.wake),
            bus.subscribe(CANCEL_TOPIC, self._dispatcher.hear_cancel),
        ]
        self._tasks = [
            asyncio.create_task(self._dispatcher.run(), name="muntin-jobs"),
            asyncio.create_task(self._sweeper.run(), name="muntin-jobs-sweeper"),
        ]
        self._tasks.append(asyncio.create_task(self._stop_when_lost(), name="muntin-jobs-guard"))

    async def _stop_when_lost(self) -> None:
        """Whoever takes this worker for dead has begun its jobs again, so here they must not go on."""
        await self.lost.wait()
        for task in self._tasks[:2]:
            task.cancel()
        self._interrupt_all()

    def _interrupt_all(self) -> list[asyncio.Task[Any]]:
        return self._runner.interrupt([row.id for row in self._runner.running], Interrupt.CLOSING)

    async def _drain(self, drain_s: float) -> None:
        loop = asyncio.get_running_loop()
        ends_at_s = loop.time() + drain_s
        while self._runner.running and (left_s := ends_at_s - loop.time()) > 0:
            self._runner.freed.clear()
            try:
                await asyncio.wait_for(self._runner.freed.wait(), left_s)
            except TimeoutError:
                return


def _locks(configuration: Configuration) -> WorkerLocks:
    if configuration.on_sqlite:
        return FileLocks(configuration.data_dir.absolute() / "workers")
    return PostgresLocks(configuration.store_url)
