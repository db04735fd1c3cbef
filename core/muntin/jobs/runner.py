"""Runs one job at a time per call, and knows which run in this process."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any
from uuid import UUID

from muntin.clock import now_s
from muntin.errors import MuntinError
from muntin.jobs import ledger
from muntin.jobs.contexts import JobContext, SagaCancelled, SagaContext, describe
from muntin.jobs.contributions import Saga, Task
from muntin.jobs.desk import tell_changed
from muntin.jobs.job import JobState
from muntin.jobs.journal import StepJournal
from muntin.jobs.models import JobRow
from muntin.plugins import CORE
from muntin.plugins.boundaries import PluginTooSlow, within
from muntin.runtime import open_panel

log = logging.getLogger(__name__)

MAX_BACKOFF_S = 3600.0
MAX_SAGA_ATTEMPTS = 20  # of a saga whose worker dies each time; then a person looks
PROGRESS_S = 0.5  # between two writes of progress

Handlers = Mapping[str, Task | Saga]


class Interrupt(Enum):
    """Why a running job is stopped from outside."""

    CANCELLED = auto()
    PARKED = auto()
    CLOSING = auto()


@dataclass(slots=True)
class _Running:
    row: JobRow
    task: asyncio.Task[Any]
    interrupt: Interrupt | None = None


class Runner:
    """The jobs of one process."""

    def __init__(self, journal: StepJournal, worker_id: str, *, clock: Callable[[], float] = now_s) -> None:
        self.handlers: Handlers = {}
        self.freed = asyncio.Event()  # set whenever a job ends
        self.begun: Callable[[UUID], None] = lambda job_id: None  # told of each run once it is among the running
        self._journal = journal
        self._worker_id = worker_id
        self._clock = clock
        self._running: dict[UUID, _Running] = {}

    @property
    def running(self) -> list[JobRow]:
        """The rows of the jobs that run here."""
        return [running.row for running in self._running.values()]

    async def run(self, job_id: UUID, run: int) -> None:
        """Make one attempt, and write how it ended. Raises CancelledError only to leave a saga for another worker."""
        task = asyncio.current_task()
        try:
            row = await ledger.begin(job_id, run, self._worker_id)
            if row is None or task is None:
                return
            self._running[job_id] = _Running(row, task)
        finally:
            self.begun(job_id)  # not before: the job has to take its room all the time
        tell_changed(row)
        try:
            await self._attempt(row)
        except Exception as error:
            # What the plugin's code raises was dealt with; so the database is away. The sweeper finds the job again.
            log.exception("how job %s (%s) ended cannot be written", row.id, row.name)
            raise asyncio.CancelledError from error
        finally:
            del self._running[job_id]
            self.freed.set()
            tell_changed(row)

    def interrupt(self, job_ids: Iterable[UUID], why: Interrupt) -> list[asyncio.Task[Any]]:
        """Stop running jobs; the tasks that are ending."""
        found = [self._running[job_id] for job_id in job_ids if job_id in self._running]
        for running in found:
            running.interrupt = why
            running.task.cancel()
        return [running.task for running in found]

    async def _attempt(self, row: JobRow) -> None:
        handler = self.handlers.get(row.name)
        if handler is None:
            await self._park(row)
        elif isinstance(handler, Task):
            await self._attempt_task(row, handler)
        else:
            await self._attempt_saga(row, handler)

    async def _park(self, row: JobRow) -> None:
        """Keep it until its plugin is enabled; the journal takes the raise as "not over" and keeps what steps gave."""
        await ledger.keep_for_later(row)
        raise asyncio.CancelledError

    async def _attempt_task(self, row: JobRow, task: Task) -> None:
        if row.cancel_requested:
            await ledger.finish(row, JobState.CANCELLED)
            return
        if row.attempts > task.max_attempts:
            await ledger.finish(row, JobState.FAILED, error=_died(row, row.attempts - 1))
            return
        context = JobContext(row.id, row.name, row.attempts, self._progress_of(row))
        try:
            result = await _worked(task, row, context, deadline_s=task.timeout_s)
        except asyncio.CancelledError:
            await self._interrupted_task(row)
        except (TimeoutError, PluginTooSlow) as error:
            await self._failed(row, task, error, f"took longer than {task.timeout_s:g} s")
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the handler is a plugin's; the worker goes on
            await self._failed(row, task, error, describe(error))
        else:
            await ledger.finish(row, JobState.DONE, result=result)

    async def _failed(self, row: JobRow, task: Task, error: BaseException, words: str) -> None:
        log.warning("job %s (%s) failed, attempt %d", row.id, row.name, row.attempts, exc_info=error)
        if row.attempts >= task.max_attempts:
            await ledger.finish(row, JobState.FAILED, error=words, message=_for_people(error))
            return
        wait_s = min(task.backoff_s * 2 ** (row.attempts - 1), MAX_BACKOFF_S)
        due_at_ms = int((self._clock() + wait_s) * 1000)
        await ledger.try_later(row, due_at_ms=due_at_ms, error=words, message=_for_people(error))

    async def _interrupted_task(self, row: JobRow) -> None:
        """The task itself is at an end; the loop's task around it goes on to write that."""
        running = self._running[row.id]
        if running.interrupt is None:
            raise asyncio.CancelledError
        running.task.uncancel()
        if running.interrupt is Interrupt.CANCELLED:
            await ledger.finish(row, JobState.CANCELLED)
        elif running.interrupt is Interrupt.PARKED:
            await ledger.give_back(row, JobState.PARKED)
        else:
            await ledger.give_back(row)

    async def _attempt_saga(self, row: JobRow, saga: Saga) -> None:
        if row.attempts > MAX_SAGA_ATTEMPTS:
            await ledger.finish(row, JobState.FAILED, error=f"{_died(row, MAX_SAGA_ATTEMPTS)}; nothing was undone")
            return
        context = SagaContext(
            row.id,
            row.name,
            row.attempts,
            self._progress_of(row),
            journal=self._journal,
            is_cancelled=lambda: JobRow.filter(id=row.id, cancel_requested=True).exists(),
            step_timeout_s=saga.timeout_s,
        )
        try:
            await self._saga_to_its_end(row, saga, context)
        except asyncio.CancelledError:
            if self._running[row.id].interrupt is Interrupt.PARKED:
                self._running[row.id].task.uncancel()
                await self._park(row)
            raise  # as in _park: another worker goes on with it

    async def _saga_to_its_end(self, row: JobRow, saga: Saga, context: SagaContext) -> None:
        try:
            result = await _worked(saga, row, context, deadline_s=saga.timeout_s)
        except SagaCancelled:
            failures = await context.undo_all()
            await ledger.finish(row, JobState.CANCELLED, error="; ".join(failures) or None)
        except (Exception, SystemExit) as error:  # the handler is a plugin's; its steps are undone
            log.warning("job %s (%s) failed and is undone", row.id, row.name, exc_info=error)
            failures = await context.undo_all()
            words = "; ".join([describe(error), *failures])
            await ledger.finish(row, JobState.FAILED, error=words, message=_for_people(error))
        else:
            await ledger.finish(row, JobState.DONE, result=result)

    def _progress_of(self, row: JobRow) -> Callable[[int, str], Any]:
        told_at_s = 0.0

        async def progress(percent: int, text: str) -> None:
            nonlocal told_at_s
            if percent < 100 and self._clock() - told_at_s < PROGRESS_S:
                return
            told_at_s = self._clock()
            if await ledger.note_progress(row, percent, text):
                tell_changed(row)

        return progress


async def _worked(handler: Task | Saga, row: JobRow, context: JobContext, *, deadline_s: float | None) -> Any:
    """What the plugin's code answers, as JSON; within the bounds of the plugin it comes from."""

    async def work() -> Any:
        return json.loads(json.dumps(await handler.handler(context, **row.arguments)))

    title, plugin = f"job {row.name}", _owner(handler)
    if plugin == CORE and isinstance(handler, Saga):
        deadline_s = None  # a plugin's is for what it does between its steps
    return await within(plugin, title, work, deadline_s=deadline_s, source=title)


def _owner(handler: Task | Saga) -> str:
    """The plugin that contributes a handler."""
    panel = open_panel()
    known = panel.registry.owned(type(handler)) if panel else ()
    return next((owned.plugin for owned in known if owned.value is handler), CORE)


def _for_people(error: BaseException) -> str | None:
    return error.message if isinstance(error, MuntinError) else None


def _died(row: JobRow, attempts: int) -> str:
    return f"{row.error + ' ' if row.error else ''}The worker died during each of {attempts} attempts."
