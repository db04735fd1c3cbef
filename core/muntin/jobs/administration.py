"""Jobs as administrators see, retry and cancel them."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field, field_validator
from tortoise.expressions import Q

from muntin import audit
from muntin.access import Actor, Permission, guarded
from muntin.database import transaction
from muntin.jobs import desk
from muntin.jobs.job import Job
from muntin.jobs.models import JobRow
from muntin.schemas import Page, PageQuery
from muntin.translation import _

SORTABLE = ("name", "state", "created_at", "started_at", "finished_at")

PERMISSIONS = (
    Permission(
        key="account.jobs",
        group=_("Account"),
        description=_("Follow and cancel what one ordered oneself."),
        held_by=("moderator", "user"),
    ),
    Permission(key="admin.jobs.list", group=_("Jobs"), description=_("See background work and why it failed.")),
    Permission(key="admin.jobs.manage", group=_("Jobs"), description=_("Retry, cancel and discard background work.")),
)


class JobQuery(PageQuery):
    """Which jobs."""

    state: Literal["queued", "running", "done", "failed", "cancelled", "parked"] | None = None
    plugin: str = Field(default="", max_length=128)

    @field_validator("state", mode="before")
    @classmethod
    def _absent(cls, value: object) -> object:
        return None if value == "" else value


@guarded("admin.jobs.list")
async def list_jobs(actor: Actor, query: JobQuery) -> Page[Job]:
    """Jobs, the newest first; `search` looks into names and errors."""
    rows = JobRow.all()
    if query.state:
        rows = rows.filter(state=query.state)
    if query.plugin:
        rows = rows.filter(plugin=query.plugin)
    if query.search:
        rows = rows.filter(Q(name__icontains=query.search) | Q(error__icontains=query.search))
    order = query.order(SORTABLE, default="-created_at", tiebreak="-id")
    found = await rows.order_by(*order).offset(query.offset).limit(query.per_page)
    return Page.of([Job.of(row) for row in found], await rows.count(), query)


@guarded("admin.jobs.list")
async def load_job(actor: Actor, job_id: UUID) -> Job:
    """One job.

    Raises:
        JobNotFound: There is none.
    """
    return await desk.find_job(job_id)


@guarded("admin.jobs.manage")
async def retry_job(actor: Actor, job_id: UUID) -> Job:
    """Run a failed or cancelled job again.

    Raises:
        JobNotFound, JobNotRetryable: See `desk.retry_job`.
    """
    job = await desk.retry_job(job_id)
    await _note(actor, "job.retried", job)
    return job


@guarded("admin.jobs.manage")
async def cancel_job(actor: Actor, job_id: UUID) -> Job:
    """Cancel a job that is not over.

    Raises:
        JobNotFound, JobNotCancellable: See `desk.cancel_job`.
    """
    job = await desk.cancel_job(job_id)
    await _note(actor, "job.cancelled", job)
    return job


@guarded("admin.jobs.manage")
async def discard_job(actor: Actor, job_id: UUID) -> None:
    """Delete a job that is over, above all one that failed for good.

    Raises:
        JobNotFound, JobNotOver: See `desk.discard_job`.
    """
    job = await desk.find_job(job_id)
    await desk.discard_job(job_id)
    await _note(actor, "job.discarded", job)


async def _note(actor: Actor, event: str, job: Job) -> None:
    async with transaction() as events:
        await audit.record(events, actor, event, ("job", job.id), {"name": job.name})
