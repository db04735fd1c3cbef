"""A job as services and pages get it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from muntin.errors import Conflict, NotFound, Unavailable

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


class JobNotOver(Conflict):
    """Only what is over can be thrown away."""

    code = "job_not_over"
    default_message = "This job is not over; cancel it first."


class JobQueueFull(Unavailable):
    """So many jobs of the plugin wait already that no more are taken."""

    code = "job_queue_full"
    default_message = "Too much work is waiting already; try again later."


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One ended attempt.

    Attributes:
        error: What went wrong, `None` if it went well.
        message: The same for the person who ordered it, if the handler raised something made for people.
    """

    attempt: int
    began_at: datetime | None
    ended_at: datetime
    error: str | None
    message: str | None

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Try:
        """From the row's JSON."""
        began = entry.get("began_at")
        return cls(
            attempt=entry["attempt"],
            began_at=datetime.fromisoformat(began) if began else None,
            ended_at=datetime.fromisoformat(entry["ended_at"]),
            error=entry.get("error"),
            message=entry.get("message"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job as it was when it was read."""

    id: UUID
    name: str
    plugin: str
    arguments: Mapping[str, Any]
    state: JobState
    ordered_by: UUID | None
    attempts: int
    tries: tuple[Try, ...]
    progress_percent: int
    progress_text: str
    result: Any  # JSON
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def location(self) -> str:
        """Where administrators ask for it; the native API says so in `Location` when it answers 202."""
        return f"/api/v1/admin/jobs/{self.id}"

    @classmethod
    def of(cls, row: JobRow) -> Job:
        """The row without what only workers need."""
        return cls(
            id=row.id,
            name=row.name,
            plugin=row.plugin,
            arguments=row.arguments,
            state=JobState(row.state),
            ordered_by=row.ordered_by,
            attempts=row.attempts,
            tries=tuple(Try.of(one) for one in row.tries),
            progress_percent=row.progress_percent,
            progress_text=row.progress_text,
            result=None if row.result is None else row.result["value"],
            error=row.error,
            created_at=row.created_at,
            started_at=row.started_at,
            finished_at=row.finished_at,
        )
