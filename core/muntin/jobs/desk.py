"""Where jobs are ordered, looked at, cancelled and tried again; usable in every process.

Who may do so is for the service that calls these to decide.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from muntin.bus import Bus, Unsubscribe
from muntin.clock import now_s
from muntin.database import Transaction, compare_and_set, transaction, uuid7
from muntin.jobs.job import Job, JobNotCancellable, JobNotFound, JobNotOver, JobNotRetryable, JobState
from muntin.jobs.limits import refuse_full_queue
from muntin.jobs.models import JobRow

QUEUED_TOPIC = "jobs.queued"
"""A job waits; data is null."""
CANCEL_TOPIC = "jobs.cancel"
"""Cancelling was asked for; data is the job's id."""
CHANGED_TOPIC = "jobs.changed"
"""A job's state or progress changed; data is `{"id", "name", "state", "percent", "text"}`."""

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+\Z")
_KEYS = uuid5(NAMESPACE_OID, "muntin.jobs")
_OVER = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
_buses: list[Bus] = []


def announce_jobs(bus: Bus) -> Unsubscribe:
    """Let this process tell the workers at once what it queued or cancelled; without, they look every two seconds."""
    _buses.append(bus)
    return lambda: _buses.remove(bus)


async def enqueue(
    events: Transaction,
    name: str,
    /,
    *,
    key: str | None = None,
    delay_s: float = 0,
    ordered_by: UUID | None = None,
    **arguments: Any,
) -> UUID:
    """Queue a job in the caller's transaction: it exists if, and only if, that commits.

    Args:
        events: What `async with transaction() as events` gave.
        name: Of a Task or Saga, "plugin.task". It may belong to a plugin that is disabled now; then it waits.
        key: Jobs of one name and key are one job, for as long as its row is kept.
        delay_s: Seconds until it may start.
        ordered_by: The account that may follow and cancel it (`GET /api/v1/jobs/<id>`).
        arguments: JSON values; the handler's keywords.

    Returns:
        The job's id; with a key that was used before, the id of that job.

    Raises:
        JobQueueFull: Too many jobs of the plugin wait already; see `JobLimits`.
        TypeError: An argument is not JSON.
        ValueError: The name is not "plugin.task".
    """
    if not _NAME.match(name):
        raise ValueError(f"a job's name looks like 'plugin.task', not {name!r}")
    plain = json.loads(json.dumps(arguments))
    plugin = name.split(".", 1)[0]
    await refuse_full_queue(plugin)
    job_id = uuid7() if key is None else uuid5(_KEYS, f"{name}\0{key}")
    await JobRow.bulk_create(
        [
            JobRow(
                id=job_id,
                name=name,
                plugin=plugin,
                ordered_by=ordered_by,
                arguments=plain,
                due_at_ms=int((now_s() + delay_s) * 1000),
            )
        ],
        ignore_conflicts=key is not None,
    )
    events.after_commit(lambda: _tell(QUEUED_TOPIC, None))
    return job_id


async def find_job(job_id: UUID) -> Job:
    """One job.

    Raises:
        JobNotFound: There is none.
    """
    row = await JobRow.get_or_none(id=job_id)
    if row is None:
        raise JobNotFound(job=str(job_id))
    return Job.of(row)


async def list_jobs(
    *, state: JobState | None = None, plugin: str | None = None, limit: int = 100, offset: int = 0
) -> list[Job]:
    """Jobs, the newest first; those in state FAILED are the dead letters."""
    rows = JobRow.all().order_by("-created_at", "-id")
    if state is not None:
        rows = rows.filter(state=state.value)
    if plugin is not None:
        rows = rows.filter(plugin=plugin)
    return [Job.of(row) for row in await rows.offset(offset).limit(limit)]


async def cancel_job(job_id: UUID) -> Job:
    """Cancel a job: a waiting one at once, a running task by interrupting it, a saga by undoing its steps.

    Returns:
        The job as it is now; a running one is still RUNNING until its worker has acted.

    Raises:
        JobNotFound: There is none.
        JobNotCancellable: It is over.
    """
    waiting = JobRow.filter(id=job_id, state__in=[JobState.QUEUED, JobState.PARKED], attempts=0)
    stopped = await compare_and_set(waiting, state=JobState.CANCELLED.value, finished_at=datetime.now(UTC))
    if not stopped:
        asked = await compare_and_set(JobRow.filter(id=job_id).exclude(state__in=_OVER), cancel_requested=True)
        if not asked:
            raise JobNotCancellable(job=str((await find_job(job_id)).id))
        _tell(CANCEL_TOPIC, str(job_id))
    return await find_job(job_id)


async def retry_job(job_id: UUID) -> Job:
    """Run a failed or cancelled job again, from its beginning.

    Raises:
        JobNotFound: There is none.
        JobNotRetryable: It waits, runs, or was done.
    """
    async with transaction() as events:
        row = await JobRow.get_or_none(id=job_id)
        if row is None:
            raise JobNotFound(job=str(job_id))
        again = JobRow.filter(id=job_id, run=row.run, state__in=[JobState.FAILED, JobState.CANCELLED])
        if not await compare_and_set(again, run=row.run + 1, due_at_ms=int(now_s() * 1000), **_AFRESH):
            raise JobNotRetryable(job=str(job_id))
        events.after_commit(lambda: _tell(QUEUED_TOPIC, None))
    return await find_job(job_id)


async def discard_job(job_id: UUID) -> None:
    """Delete a job that is over, a dead letter above all.

    Raises:
        JobNotFound: There is none.
        JobNotOver: It waits or runs; cancel it first.
    """
    if not await JobRow.filter(id=job_id, state__in=_OVER).delete():
        raise JobNotOver(job=str((await find_job(job_id)).id))


async def purge_jobs(plugin: str) -> list[Job]:
    """Cancel what a plugin that goes for good still has to do.

    Returns:
        Those jobs as they were; a saga with attempts is half done, and what it did stays as it is.
    """
    rows = await JobRow.filter(plugin=plugin).exclude(state__in=_OVER).order_by("id")
    await compare_and_set(
        JobRow.filter(id__in=[row.id for row in rows]).exclude(state__in=_OVER),
        state=JobState.CANCELLED.value,
        cancel_requested=True,
        finished_at=datetime.now(UTC),
        error="its plugin was purged",
    )
    for row in rows:
        _tell(CANCEL_TOPIC, str(row.id))
    return [Job.of(row) for row in rows]


async def delete_old_jobs(*, days: int, states: Iterable[JobState] = (JobState.DONE, JobState.CANCELLED)) -> int:
    """Delete jobs that ended more than `days` ago; how many that were. For a nightly task."""
    oldest = datetime.now(UTC) - timedelta(days=days)
    return await JobRow.filter(state__in=[state.value for state in states], finished_at__lt=oldest).delete()


def tell_changed(row: JobRow) -> None:
    """Tell pages that look at the job."""
    _tell(
        CHANGED_TOPIC,
        {
            "id": str(row.id),
            "name": row.name,
            "state": str(row.state),
            "percent": row.progress_percent,
            "text": row.progress_text,
        },
    )


def _tell(topic: str, data: Any) -> None:
    for bus in _buses:
        bus.publish(topic, data)


_AFRESH: dict[str, Any] = {
    "state": JobState.QUEUED.value,
    "attempts": 0,
    "cancel_requested": False,
    "progress_percent": 0,
    "progress_text": "",
    "result": None,
    "error": None,
    "finished_at": None,
}
