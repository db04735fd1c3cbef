"""A job as services and pages get it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from muntin.errors import Conflict, NotFound

if TYPE_CHECKING:
    from muntin.jobs.models import JobRow


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"  # waits for a worker, or for its time
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"  # every attempt failed; stays until somebody retries or deletes it
    CANCELLED = "cancelled"
    PARKED = "parked"  # its plugin is disabled or absent; goes on when it is enabled


class JobNotFound(NotFound):
    """There is no job with this id."""

    code = "job_not_found"
    default_message = "There is no such job."


class JobNotCancellable(Conflict):
    """The job is over."""

    code = "job_not_cancellable"
    default_message = "This job is over already."


class JobNotRetryable(Conflict):
    """Only what failed or was cancelled can be run again."""

    code = "job_not_retryable"
    default_message = "Only a failed or cancelled job can be run again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job as it was when it was read."""

    id: UUID
    name: str
    plugin: str
    arguments: Mapping[str, Any]
    state: JobState
    attempts: int
    progress_percent: int
    progress_text: str
    result: Any  # JSON
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, row: JobRow) -> Job:
        """The row without what only workers need."""
        return cls(
            id=row.id,
            name=row.name,
            plugin=row.plugin,
            arguments=row.arguments,
            state=JobState(row.state),
            attempts=row.attempts,
            progress_percent=row.progress_percent,
            progress_text=row.progress_text,
            result=None if row.result is None else row.result["value"],
            error=row.error,
            created_at=row.created_at,
            started_at=row.started_at,
            finished_at=row.finished_at,
        )
