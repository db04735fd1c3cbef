"""What a plugin returns to add durable work: tasks, sagas, and the times at which they run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from muntin.bus import Json
from muntin.jobs.contexts import JobContext, SagaContext

QueueName = Literal["default", "heavy"]
"""`heavy` is for work that loads a machine for minutes (backups, imports); few of it run at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One piece of durable work; runs at least once, in a worker process.

    The handler is given the job's arguments as keywords and may return a JSON value. A worker can die after the outside
    effect and before the result is kept, so every outside effect carries `context.id`, or is read back before it is
    repeated.
    """

    name: str  # "plugin.task"; stays the same for ever, jobs in the database carry it
    handler: Callable[..., Awaitable[Json]]  # async (JobContext, **arguments) -> JSON
    queue: QueueName = "default"
    max_attempts: int = 3
    backoff_s: float = 5.0  # before the second attempt; doubled for each further one, up to an hour
    timeout_s: float = 600.0  # of one attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Saga:
    """Durable work of several steps, each of which can be undone.

    What a step returned is kept: after a crash the handler runs again from the top, but finished steps answer from
    memory. So the handler decides by its arguments and by what steps returned, by nothing else. Changing the order of
    the steps needs a new name (`billing.order.v2`). When the handler raises, the undo steps run in reverse.
    """

    name: str
    handler: Callable[..., Awaitable[Json]]  # async (SagaContext, **arguments) -> JSON
    queue: QueueName = "default"
    timeout_s: float = 3600.0  # of one step


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """A task that is queued at set times; a time missed while no worker ran is made up for once."""

    name: str  # "plugin.cron"
    expression: str  # five fields, UTC: "*/5 * * * *"
    task: str  # name of a Task or Saga
    arguments: Mapping[str, Any] = field(default_factory=dict)  # JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLimits:
    """How much of the workers a plugin's jobs may take, so that one plugin's work does not hold up the others'."""

    concurrency: int = 8  # of its jobs at the same time, in each worker
    queued: int = 100_000  # waiting jobs; beyond that `enqueue` raises `JobQueueFull`


Contribution = Task | Saga | Cron

__all__ = ["Contribution", "Cron", "JobContext", "JobLimits", "QueueName", "Saga", "SagaContext", "Task"]
