"""Background jobs."""

from __future__ import annotations

from uuid import UUID

from muntin.access import Actor
from muntin.api.json import dumps
from muntin.call import Call
from muntin.jobs import administration as service
from muntin.jobs.administration import JobQuery
from muntin.pages.admin import admin_page
from muntin.pages.answers import Page, Redirect
from muntin.pages.rows import row
from muntin.pages.submitting import attempt
from muntin.pages.tables import view
from muntin.routing import Routes
from muntin.translation import _

routes = Routes(dialect="pages", prefix="/admin/jobs", tags=("admin",))
LIST = "/admin/jobs"


@routes.get("", query=JobQuery, service=service.list_jobs)
async def list_jobs(actor: Actor, call: Call, query: JobQuery) -> Page:
    """Every job that is kept."""
    page = await service.list_jobs(actor, query)
    rows = [row(one, path=f"{LIST}/{one.id}", live=f"job:{one.id}") for one in page.items]
    values = {"rows": rows, "view": view(call, page, sort="-created_at"), "live_path": "/live"}
    return admin_page("jobs/list", _("Jobs"), values)


@routes.get("/<uuid:job_id>", service=service.load_job)
async def show_job(actor: Actor, job_id: UUID) -> Page:
    """One job."""
    job = await service.load_job(actor, job_id)
    values = {"job": job, "result": _text(job.result), "live_path": "/live"}
    return admin_page("jobs/show", job.name, values, above=((_("Jobs"), LIST),))


@routes.post("/<uuid:job_id>/retry", service=service.retry_job)
async def retry_job(actor: Actor, job_id: UUID) -> Redirect:
    """Run it again."""
    return await attempt(service.retry_job(actor, job_id), back=f"{LIST}/{job_id}", notice=_("It runs again."))


@routes.post("/<uuid:job_id>/cancel", service=service.cancel_job)
async def cancel_job(actor: Actor, job_id: UUID) -> Redirect:
    """Stop it."""
    notice = _("It is being cancelled.")
    return await attempt(service.cancel_job(actor, job_id), back=f"{LIST}/{job_id}", notice=notice)


def _text(value: object) -> str:
    return "" if value in (None, {}, []) else dumps(value).decode()
