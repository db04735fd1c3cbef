"""Durable work: what a plugin declares runs at least once, also when processes die in the middle.

A service queues a job in the transaction that makes it necessary; a worker process runs it. The job's id is the
idempotency key for everything it does outside. `JobEngine` lives in worker processes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from muntin.jobs.contexts import JobContext, SagaContext, StepFailed
from muntin.jobs.contributions import Cron, JobLimits, Saga, Task
from muntin.jobs.desk import (
    announce_jobs,
    cancel_job,
    discard_job,
    enqueue,
    find_job,
    list_jobs,
    purge_jobs,
    retry_job,
)
from muntin.jobs.job import (
    Job,
    JobNotCancellable,
    JobNotFound,
    JobNotOver,
    JobNotRetryable,
    JobQueueFull,
    JobState,
    Try,
)

if TYPE_CHECKING:
    from muntin.jobs.engine import JobEngine

__all__ = [
    "Cron",
    "Job",
    "JobContext",
    "JobEngine",
    "JobLimits",
    "JobNotCancellable",
    "JobNotFound",
    "JobNotOver",
    "JobNotRetryable",
    "JobQueueFull",
    "JobState",
    "Saga",
    "SagaContext",
    "StepFailed",
    "Task",
    "Try",
    "announce_jobs",
    "cancel_job",
    "discard_job",
    "enqueue",
    "find_job",
    "list_jobs",
    "purge_jobs",
    "retry_job",
]


def __getattr__(name: str) -> Any:
    """The engine is imported when asked for: only workers need it and what it brings."""
    if name == "JobEngine":
        from muntin.jobs.engine import JobEngine

        return JobEngine
    raise AttributeError(name)
