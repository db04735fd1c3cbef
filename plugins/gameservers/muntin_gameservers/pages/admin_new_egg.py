"""Making an egg from nothing; its variables are added on its own page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field

from muntin.access import Actor, require
from muntin.call import Call
from muntin.pages import forms
from muntin.pages.answers import Crumb, Page, Redirect
from muntin.pages.submitting import Done, Problems, submit
from muntin.routing import Routes
from muntin.schemas import Page as List
from muntin.schemas import PageQuery
from muntin.translation import _
from muntin_gameservers.nests import eggs, nests
from muntin_gameservers.nests.schemas import Egg, Nest
from muntin_gameservers.pages.admin_eggs import CRUMBS
from muntin_gameservers.pages.egg_form import LABELS, EggForm, egg_of

routes = Routes(dialect="pages", prefix="/admin/eggs/new", tags=("eggs",))
ALL = PageQuery(per_page=100, sort="name")
USUAL = {"stop_command": "stop", "entrypoint": "sh", "config_files": "{}"}


class NewEggForm(EggForm):
    """An egg, and the nest it is put in."""

    nest_id: UUID = Field(title=_("Nest"))


@routes.get("", service=nests.list_nests)
async def new_egg(actor: Actor, call: Call) -> Page:
    """The form; the address may name a nest."""
    require(actor, "admin.eggs.edit")
    known = {**USUAL, "nest_id": call.request.args.get("nest", "")}
    return _page(known, Problems(), await nests.list_nests(actor, ALL))


@routes.post("", service=eggs.add_egg)
async def create_egg(actor: Actor, call: Call) -> Page | Redirect:
    """Make the egg."""
    require(actor, "admin.eggs.edit")

    async def act(form: NewEggForm) -> Egg:
        return await eggs.add_egg(actor, form.nest_id, egg_of(form))

    done = await submit(call, NewEggForm, act)
    if not isinstance(done, Done):
        return _page(done.typed, done, await nests.list_nests(actor, ALL))
    notice = _("The egg is made. Add its variables below, if it has any.")
    return Redirect(f"/admin/eggs/{done.value.id}", notice=notice)


def _page(known: Any, problems: Problems, found: List[Nest]) -> Page:
    options = [(str(nest.id), nest.name) for nest in found.items]
    errors = {name: list(said) for name, said in problems.fields.items()}
    more: dict[str, forms.Field] = {**LABELS, "nest_id": {"kind": "select", "options": options, "required": True}}
    only = ("name", "nest_id", *(name for name in EggForm.model_fields if name != "name"))
    title = _("New egg")
    values = {
        "fields": forms.fields(NewEggForm, known, errors=errors, only=only, more=more),
        "problems": problems,
        "action": "/admin/eggs/new",
        "cancel": "/admin/eggs",
        "uses": ["editor"],
        "card_title": _("What the egg holds"),
        "submit": _("Make the egg"),
    }
    crumbs = (*CRUMBS, Crumb(label=title))
    return Page("gameservers/admin_form.html", values, title=title, crumbs=crumbs, status=problems.status)
