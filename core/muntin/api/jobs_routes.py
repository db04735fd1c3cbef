"""`/api/v1/jobs` for whoever ordered them, `/api/v1/admin/jobs` and `/api/v1/admin/dead-letters` for administrators."""

from __future__ import annotations

from uuid import UUID

from muntin.access import Actor
from muntin.events import administration as letters
from muntin.events.administration import DeadLetterNotFound, DeadLetterQuery, UndeliveredEvent
from muntin.jobs import Job, JobNotCancellable, JobNotFound, JobNotOver, JobNotRetryable, administration, own
from muntin.jobs.administration import JobQuery
from muntin.jobs.own import JobView
from muntin.routing import Routes
from muntin.schemas import Page, PageQuery

routes = Routes(dialect="native", prefix="/api/v1", tags=("jobs",))


@routes.get("/jobs", query=PageQuery, returns=Page[JobView], service=own.list_own_jobs)
async def list_own_jobs(actor: Actor, query: PageQuery) -> Page[JobView]:
    """Jobs that the caller ordered."""
    return await own.list_own_jobs(actor, query)


@routes.get("/jobs/<uuid:job_id>", returns=JobView, service=own.load_own_job, errors=(JobNotFound,))
async def load_own_job(actor: Actor, job_id: UUID) -> JobView:
    """How far a job is that the caller ordered."""
    return await own.load_own_job(actor, job_id)


@routes.post(
    "/jobs/<uuid:job_id>/cancel",
    returns=JobView,
    status=202,
    service=own.cancel_own_job,
    errors=(JobNotFound, JobNotCancellable),
)
async def cancel_own_job(actor: Actor, job_id: UUID) -> JobView:
    """Cancel a job that the caller ordered."""
    return await own.cancel_own_job(actor, job_id)


@routes.get("/admin/jobs", query=JobQuery, returns=Page[Job], service=administration.list_jobs)
async def list_jobs(actor: Actor, query: JobQuery) -> Page[Job]:
    """All jobs; those in state `failed` are the dead letters."""
    return await administration.list_jobs(actor, query)


@routes.get("/admin/jobs/<uuid:job_id>", returns=Job, service=administration.load_job, errors=(JobNotFound,))
async def load_job(actor: Actor, job_id: UUID) -> Job:
    """One job with its ended attempts."""
    return await administration.load_job(actor, job_id)


@routes.post(
    "/admin/jobs/<uuid:job_id>/retry",
    returns=Job,
    status=202,
    service=administration.retry_job,
    errors=(JobNotFound, JobNotRetryable),
)
async def retry_job(actor: Actor, job_id: UUID) -> Job:
    """Run a failed or cancelled job again."""
    return await administration.retry_job(actor, job_id)


@routes.post(
    "/admin/jobs/<uuid:job_id>/cancel",
    returns=Job,
    status=202,
    service=administration.cancel_job,
    errors=(JobNotFound, JobNotCancellable),
)
async def cancel_job(actor: Actor, job_id: UUID) -> Job:
    """Cancel a job."""
    return await administration.cancel_job(actor, job_id)


@routes.delete("/admin/jobs/<uuid:job_id>", service=administration.discard_job, errors=(JobNotFound, JobNotOver))
async def discard_job(actor: Actor, job_id: UUID) -> None:
    """Discard a job that is over."""
    await administration.discard_job(actor, job_id)


@routes.get(
    "/admin/dead-letters", query=DeadLetterQuery, returns=Page[UndeliveredEvent], service=letters.list_dead_letters
)
async def list_dead_letters(actor: Actor, query: DeadLetterQuery) -> Page[UndeliveredEvent]:
    """Events that a subscriber failed on too often."""
    return await letters.list_dead_letters(actor, query)


@routes.post(
    "/admin/dead-letters/<uuid:letter_id>/retry",
    status=204,
    service=letters.retry_dead_letter,
    errors=(DeadLetterNotFound,),
)
async def retry_dead_letter(actor: Actor, letter_id: UUID) -> None:
    """Deliver an event again."""
    await letters.retry_dead_letter(actor, letter_id)


@routes.delete("/admin/dead-letters/<uuid:letter_id>", service=letters.discard_letter, errors=(DeadLetterNotFound,))
async def discard_dead_letter(actor: Actor, letter_id: UUID) -> None:
    """Forget an event that was not delivered."""
    await letters.discard_letter(actor, letter_id)
