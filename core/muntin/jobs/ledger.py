"""Every change a worker makes to a job's row. Each is one statement that hits nothing if somebody else was faster."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tortoise.expressions import F

from muntin.database import compare_and_set
from muntin.jobs.job import JobState
from muntin.jobs.models import JobRow

MAX_TRIES = 20


def workflow_id(row: JobRow) -> str:
    """Under what the journal knows a run of the job: the job's id, with the run's number from the second on."""
    return str(row.id) if row.run == 1 else f"{row.id}.{row.run}"


async def find_due(names: Collection[str], *, now_ms: int, limit: int) -> list[JobRow]:
    """Jobs that may start, in the order in which they were due."""
    due = JobRow.filter(state=JobState.QUEUED.value, due_at_ms__lte=now_ms, name__in=list(names))
    return await due.order_by("due_at_ms", "id").limit(limit)


async def next_due_ms(names: Collection[str]) -> int | None:
    """When the next queued job may start."""
    queued = JobRow.filter(state=JobState.QUEUED.value, name__in=list(names))
    times: list[Any] = await queued.order_by("due_at_ms").limit(1).values_list("due_at_ms", flat=True)
    return int(times[0]) if times else None


async def claim(row: JobRow, worker: str, queue: str) -> bool:
    """Take a queued job; False when another worker did."""
    mine = JobRow.filter(id=row.id, run=row.run, state=JobState.QUEUED.value)
    if not await compare_and_set(mine, state=JobState.RUNNING.value, worker=worker, queue=queue):
        return False
    row.state, row.worker, row.queue = JobState.RUNNING.value, worker, queue
    return True


async def begin(job_id: UUID, run: int, worker: str) -> JobRow | None:
    """Begin an attempt of a claimed job; None when this run is over."""
    claimed = JobRow.filter(id=job_id, run=run, state=JobState.RUNNING.value)
    begun = await compare_and_set(claimed, worker=worker, attempts=F("attempts") + 1, started_at=datetime.now(UTC))
    return await JobRow.get_or_none(id=job_id, run=run) if begun else None


def tried(row: JobRow, error: str | None, message: str | None = None) -> list[dict[str, Any]]:
    """The row's ended attempts with this one, the latest `MAX_TRIES`."""
    began = row.started_at.isoformat() if row.started_at else None
    ended = datetime.now(UTC).isoformat()
    entry = {"attempt": row.attempts, "began_at": began, "ended_at": ended, "error": error, "message": message}
    return [*row.tries, entry][-MAX_TRIES:]


async def finish(
    row: JobRow, state: JobState, *, result: Any = None, error: str | None = None, message: str | None = None
) -> bool:
    """End the job for good. The result is wrapped: the column takes a bare string for JSON text."""
    percent = 100 if state is JobState.DONE else row.progress_percent
    return await _change(
        row,
        state=state.value,
        result={"value": result},
        error=error,
        tries=tried(row, error, message),
        finished_at=datetime.now(UTC),
        progress_percent=percent,
    )


async def try_later(row: JobRow, *, due_at_ms: int, error: str, message: str | None = None) -> bool:
    """Queue another attempt after one that failed."""
    queued = {"state": JobState.QUEUED.value, "run": row.run + 1, "due_at_ms": due_at_ms}
    return await _change(row, **queued, error=error, tries=tried(row, error, message))


async def give_back(row: JobRow, state: JobState = JobState.QUEUED) -> bool:
    """Return a task nobody is to blame for, as if this attempt had not been."""
    return await _change(row, state=state.value, run=row.run + 1, attempts=max(0, row.attempts - 1))


async def keep_for_later(row: JobRow) -> bool:
    """Park a saga; the journal keeps what its steps gave, so the run stays the same."""
    return await _change(row, state=JobState.PARKED.value)


async def queue_again(row: JobRow, *, new_run: bool) -> bool:
    """Queue a claimed job whose worker died before, or after, the journal knew of it."""
    return await _change(row, state=JobState.QUEUED.value, run=row.run + int(new_run))


async def note_progress(row: JobRow, percent: int, text: str) -> bool:
    """Keep how far it is."""
    return await _change(row, progress_percent=percent, progress_text=text)


async def park_unknown(names: Collection[str]) -> int:
    """Park what waits for a plugin that is not enabled."""
    waiting = JobRow.filter(state=JobState.QUEUED.value)
    unknown = waiting.exclude(name__in=list(names)) if names else waiting
    return await compare_and_set(unknown, state=JobState.PARKED.value)


async def unpark_known(names: Collection[str]) -> int:
    """Queue again what waited for a plugin that is enabled now."""
    parked = JobRow.filter(state=JobState.PARKED.value, name__in=list(names))
    return await compare_and_set(parked, state=JobState.QUEUED.value) if names else 0


async def _change(row: JobRow, **changes: Any) -> bool:
    mine = JobRow.filter(id=row.id, run=row.run, state=JobState.RUNNING.value, worker=row.worker)
    if not await compare_and_set(mine, **changes):
        return False
    for name, value in changes.items():
        setattr(row, name, value)
    return True
