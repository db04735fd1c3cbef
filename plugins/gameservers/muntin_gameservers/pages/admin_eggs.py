"""Nests and the eggs in them, as lists."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from muntin.access import Actor, require
from muntin.call import Call
from muntin.pages import forms
from muntin.pages.answers import Crumb, Page, Redirect
from muntin.pages.rows import options, row
from muntin.pages.submitting import Done, Problems, attempt, submit
from muntin.pages.tables import view
from muntin.routing import Routes
from muntin.schemas import PageQuery
from muntin.translation import _
from muntin_gameservers.models import NestRow
from muntin_gameservers.nests import eggs, nests
from muntin_gameservers.nests.schemas import Egg, NestChanges, NestIn
from muntin_gameservers.pages.identifiers import identifier

routes = Routes(dialect="pages", prefix="/admin/eggs", tags=("eggs",))
CRUMBS = (Crumb(label=_("Administration"), path="/admin"), Crumb(label=_("Eggs"), path="/admin/eggs"))
NESTS = Crumb(label=_("Nests"), path="/admin/eggs/nests")
LABELS: dict[str, forms.Field] = {
    "name": {"label": _("Name"), "autofocus": True, "required": True},
    "description": {"label": _("Description"), "kind": "textarea", "rows": 3},
}


class EggsQuery(PageQuery):
    """What the list's address says; an empty filter is none."""

    nest: str = ""


@routes.get("", query=EggsQuery, service=eggs.list_all_eggs)
async def list_eggs(actor: Actor, call: Call, query: EggsQuery) -> Page:
    """Every egg, or those of a nest."""
    nest_id = identifier(query.nest)
    page = await (eggs.list_eggs(actor, nest_id, query) if nest_id else eggs.list_all_eggs(actor, query))
    names = dict(await NestRow.all().order_by("name").values_list("id", "name"))
    values = {
        "rows": [_row(one, names) for one in page.items],
        "nests": options(names),
        "view": view(call, page, sort="name"),
    }
    return Page("gameservers/admin_eggs.html", values, title=_("Eggs"), crumbs=(CRUMBS[0], Crumb(label=_("Eggs"))))


def _row(one: Egg, names: dict[UUID, str]) -> dict[str, Any]:
    return row(one, path=f"/admin/eggs/{one.id}", nest=names.get(one.nest_id, ""))


@routes.get("/nests", query=PageQuery, service=nests.list_nests)
async def list_nests(actor: Actor, call: Call, query: PageQuery) -> Page:
    """The groups of eggs."""
    page = await nests.list_nests(actor, query)
    rows = [row(one, path=f"/admin/eggs?nest={one.id}") for one in page.items]
    values = {"rows": rows, "view": view(call, page, sort="name")}
    return Page("gameservers/admin_nests.html", values, title=_("Nests"), crumbs=(*CRUMBS, Crumb(label=_("Nests"))))


@routes.get("/nests/new", service=nests.create_nest)
async def new_nest(actor: Actor) -> Page:
    """The form for a new nest."""
    return _nest(_("New nest"), "/admin/eggs/nests/new", {}, Problems())


@routes.post("/nests/new", service=nests.create_nest)
async def create_nest(actor: Actor, call: Call) -> Page | Redirect:
    """Create a nest."""
    done = await submit(call, NestIn, lambda wanted: nests.create_nest(actor, wanted))
    if isinstance(done, Done):
        return Redirect("/admin/eggs/nests", notice="created")
    return _nest(_("New nest"), "/admin/eggs/nests/new", {}, done)


@routes.get("/nests/<uuid:nest_id>", service=nests.load_nest)
async def show_nest(actor: Actor, nest_id: UUID) -> Page:
    """The form for a nest."""
    nest = await nests.load_nest(actor, nest_id)
    return _nest(nest.name, f"/admin/eggs/nests/{nest_id}", row(nest), Problems())


@routes.post("/nests/<uuid:nest_id>", service=nests.update_nest)
async def save_nest(actor: Actor, nest_id: UUID, call: Call) -> Page | Redirect:
    """Rename or describe a nest."""
    require(actor, "admin.eggs.edit")

    async def act(wanted: NestIn) -> Any:
        return await nests.update_nest(actor, nest_id, NestChanges(**wanted.model_dump()))

    done = await submit(call, NestIn, act)
    if isinstance(done, Done):
        return Redirect("/admin/eggs/nests", notice="saved")
    nest = await nests.load_nest(actor, nest_id)
    return _nest(nest.name, f"/admin/eggs/nests/{nest_id}", row(nest), done)


@routes.post("/nests/<uuid:nest_id>/delete", service=nests.delete_nest)
async def delete_nest(actor: Actor, nest_id: UUID) -> Redirect:
    """Delete an empty nest."""
    return await attempt(nests.delete_nest(actor, nest_id), back="/admin/eggs/nests", notice="deleted")


def _nest(title: str, action: str, stored: dict[str, Any], problems: Problems) -> Page:
    fields = forms.fields(NestIn, {**stored, **problems.typed}, errors=problems.fields, more=LABELS)
    values = {"fields": fields, "problems": problems, "action": action, "cancel": "/admin/eggs/nests"}
    crumbs = (*CRUMBS, NESTS, Crumb(label=title))
    return Page("gameservers/admin_form.html", values, title=title, crumbs=crumbs, status=problems.status)
