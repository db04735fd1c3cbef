"""Background work: jobs, and events that a subscriber could not take."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from muntin.access import Actor
from muntin.api.json import dumps
from muntin.call import Call
from muntin.events import administration as letters
from muntin.events.administration import DeadLetterQuery
from muntin.jobs import administration as service
from muntin.jobs.administration import JobQuery
from muntin.pages.admin import admin_page
from muntin.pages.answers import Page, Redirect
from muntin.pages.rows import row
from muntin.pages.submitting import attempt
from muntin.pages.tables import view
from muntin.routing import Routes
from muntin.runtime import panel
from muntin.translation import _

routes = Routes(dialect="pages", prefix="/admin/jobs", tags=("admin",))
LIST = "/admin/jobs"
EVENTS = f"{LIST}/events"


@routes.get("", query=JobQuery, service=service.list_jobs)
async def list_jobs(actor: Actor, call: Call, query: JobQuery) -> Page:
    """Every job that is kept."""
    page = await service.list_jobs(actor, query)
    rows = [row(one, path=f"{LIST}/{one.id}", live=f"job:{one.id}") for one in page.items]
    plugins = sorted(panel().registry.names)
    values = {
        "rows": rows,
        "view": view(call, page, sort="-created_at"),
        "live_path": "/live",
        "plugins": [(name, name) for name in plugins],
        "tabs": _tabs("jobs"),
    }
    return admin_page("jobs/list", _("Jobs"), values)


@routes.get("/events", query=DeadLetterQuery, service=letters.list_dead_letters)
async def list_dead_letters(actor: Actor, call: Call, query: DeadLetterQuery) -> Page:
    """Events that a subscriber failed on too often."""
    page = await letters.list_dead_letters(actor, query)
    rows = [{**row(one), "told": _text(one.payload)} for one in page.items]
    values = {"rows": rows, "view": view(call, page, sort="-created_at"), "tabs": _tabs("events")}
    return admin_page("jobs/events", _("Undelivered events"), values, above=((_("Jobs"), LIST),))


@routes.post("/events/<uuid:letter_id>/retry", service=letters.retry_dead_letter)
async def retry_dead_letter(actor: Actor, letter_id: UUID) -> Redirect:
    """Deliver an event again."""
    notice = _("It is delivered again.")
    return await attempt(letters.retry_dead_letter(actor, letter_id), back=EVENTS, notice=notice)


@routes.post("/events/<uuid:letter_id>/discard", service=letters.discard_letter)
async def discard_dead_letter(actor: Actor, letter_id: UUID) -> Redirect:
    """Forget an event that was not delivered."""
    return await attempt(letters.discard_letter(actor, letter_id), back=EVENTS, notice=_("It is forgotten."))


@routes.get("/<uuid:job_id>", service=service.load_job)
async def show_job(actor: Actor, job_id: UUID) -> Page:
    """One job."""
    job = await service.load_job(actor, job_id)
    values = {"job": job, "result": _text(job.result), "arguments": _text(job.arguments), "live_path": "/live"}
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


@routes.post("/<uuid:job_id>/discard", service=service.discard_job)
async def discard_job(actor: Actor, job_id: UUID) -> Redirect:
    """Delete a job that is over."""
    discard = service.discard_job(actor, job_id)
    return await attempt(discard, back=f"{LIST}/{job_id}", then=LIST, notice=_("It is forgotten."))


def _tabs(current: str) -> list[dict[str, Any]]:
    return [
        {"label": _("Jobs"), "path": LIST, "icon": "list-check", "current": current == "jobs"},
        {"label": _("Undelivered events"), "path": EVENTS, "icon": "mail", "current": current == "events"},
    ]


def _text(value: object) -> str:
    return "" if value in (None, {}, []) else dumps(value).decode()
