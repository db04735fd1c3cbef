"""Jobs as the person who ordered them sees them: how far they are, and cancelling them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.queryset import QuerySet

from muntin import audit
from muntin.access import Actor, guarded
from muntin.database import transaction
from muntin.jobs import desk
from muntin.jobs.job import Job, JobNotFound, JobState
from muntin.jobs.models import JobRow
from muntin.schemas import Page, PageQuery
from muntin.translation import _

OVER = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """How far a job is, from 0 to 100 percent, and what it is doing."""

    percent: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job for whoever ordered it.

    Attributes:
        state: `queued`, `running`, `done`, `failed`, `cancelled`, or `parked` (its plugin is disabled).
        is_over: Whether asking again is of no use.
        result: What the handler returned.
        error: Why it failed, in words for people; the technical reason is for administrators.
    """

    id: UUID
    name: str
    state: str
    is_over: bool
    progress: JobProgress
    result: Any
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def location(self) -> str:
        """Where it is asked for; the native API says so in `Location` when it answers 202."""
        return f"/api/v1/jobs/{self.id}"

    @classmethod
    def of(cls, job: Job) -> JobView:
        """Without what only administrators may know."""
        return cls(
            id=job.id,
            name=job.name,
            state=job.state.value,
            is_over=job.state in OVER,
            progress=JobProgress(percent=job.progress_percent, text=job.progress_text),
            result=job.result,
            error=_why(job),
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
        )


async def shown(job_id: UUID) -> JobView:
    """The job of that id, for services that ordered it just now and answer it with 202.

    Raises:
        JobNotFound: There is none.
    """
    return JobView.of(await desk.find_job(job_id))


@guarded("account.jobs")
async def list_own_jobs(actor: Actor, query: PageQuery) -> Page[JobView]:
    """What the actor ordered, the newest first."""
    rows = _own(actor).order_by("-created_at", "-id")
    found = await rows.offset(query.offset).limit(query.per_page)
    return Page.of([JobView.of(Job.of(row)) for row in found], await _own(actor).count(), query)


@guarded("account.jobs")
async def load_own_job(actor: Actor, job_id: UUID) -> JobView:
    """One job that the actor ordered.

    Raises:
        JobNotFound: There is none, or somebody else ordered it.
    """
    return JobView.of(Job.of(await _one(actor, job_id)))


@guarded("account.jobs")
async def cancel_own_job(actor: Actor, job_id: UUID) -> JobView:
    """Cancel a job that the actor ordered; one that runs is over as soon as its worker has acted.

    Raises:
        JobNotFound: There is none, or somebody else ordered it.
        JobNotCancellable: It is over.
    """
    row = await _one(actor, job_id)
    job = await desk.cancel_job(row.id)
    async with transaction() as events:
        await audit.record(events, actor, "job.cancelled", ("job", job.id), {"name": job.name})
    return JobView.of(job)


def _own(actor: Actor) -> QuerySet[JobRow]:
    return JobRow.filter(ordered_by=actor.account_id) if actor.account_id else JobRow.filter(id=None)


async def _one(actor: Actor, job_id: UUID) -> JobRow:
    row = await _own(actor).get_or_none(id=job_id)
    if row is None:
        raise JobNotFound(job=str(job_id))
    return row


def _why(job: Job) -> str | None:
    if job.state is not JobState.FAILED:
        return None
    said = job.tries[-1].message if job.tries else None
    return said or _("It did not work. An administrator can see why.")
