"""The variables of an egg, one at a time."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from muntin.access import Actor, require
from muntin.call import Call
from muntin.dialects import validate
from muntin.errors import InvalidInput, NotFound
from muntin.pages import forms
from muntin.pages.answers import Crumb, Page, Redirect
from muntin.pages.submitting import Done, Problems, attempt, submit
from muntin.routing import Routes
from muntin.translation import _
from muntin_gameservers.nests import eggs
from muntin_gameservers.nests.schemas import Egg, EggChanges, EggVariable, VariableIn
from muntin_gameservers.pages.admin_eggs import CRUMBS

routes = Routes(dialect="pages", prefix="/admin/eggs/<uuid:egg_id>/variables", tags=("eggs",))
SHOWN = ("name", "env_variable", "description", "default_value", "rules", "user_viewable", "user_editable", "sort")
LABELS: dict[str, forms.Field] = {
    "name": {"label": _("Name")},
    "env_variable": {"label": _("Variable"), "help": _("Letters, digits and underscores, such as MAX_PLAYERS.")},
    "description": {"label": _("Description"), "kind": "textarea", "rows": 3},
    "default_value": {"label": _("Default")},
    "rules": {"label": _("Rules"), "help": _("Such as required|integer|between:1,64.")},
    "user_viewable": {"label": _("Owners see it")},
    "user_editable": {"label": _("Owners may change it")},
    "sort": {"label": _("Place in the form"), "min": 0},
}


@routes.get("/new", service=eggs.update_egg)
async def new_variable(actor: Actor, egg_id: UUID) -> Page:
    """The form for a new variable."""
    require(actor, "admin.eggs.edit")
    return _page(await eggs.load_egg(actor, egg_id), None, Problems())


@routes.post("/new", service=eggs.update_egg)
async def add_variable(actor: Actor, egg_id: UUID, call: Call) -> Page | Redirect:
    """Add a variable."""
    return await _save(actor, egg_id, None, call)


@routes.get("/<uuid:variable_id>", service=eggs.update_egg)
async def edit_variable(actor: Actor, egg_id: UUID, variable_id: UUID) -> Page:
    """The form for a variable."""
    require(actor, "admin.eggs.edit")
    egg = await eggs.load_egg(actor, egg_id)
    return _page(egg, _variable(egg, variable_id), Problems())


@routes.post("/<uuid:variable_id>", service=eggs.update_egg)
async def save_variable(actor: Actor, egg_id: UUID, variable_id: UUID, call: Call) -> Page | Redirect:
    """Change a variable."""
    return await _save(actor, egg_id, variable_id, call)


@routes.post("/<uuid:variable_id>/delete", service=eggs.update_egg)
async def delete_variable(actor: Actor, egg_id: UUID, variable_id: UUID) -> Redirect:
    """Remove a variable; servers keep their values of it."""
    require(actor, "admin.eggs.edit")
    egg = await eggs.load_egg(actor, egg_id)
    gone = _variable(egg, variable_id)
    kept = [_input(one) for one in egg.variables if one.id != gone.id]
    work = eggs.update_egg(actor, egg_id, EggChanges(variables=kept))
    return await attempt(work, back=f"/admin/eggs/{egg_id}", notice=_("{name} is removed.", name=gone.name))


async def _save(actor: Actor, egg_id: UUID, variable_id: UUID | None, call: Call) -> Page | Redirect:
    require(actor, "admin.eggs.edit")
    egg = await eggs.load_egg(actor, egg_id)
    before = _variable(egg, variable_id) if variable_id else None

    async def act(wanted: VariableIn) -> Egg:
        return await eggs.update_egg(actor, egg_id, _changes(egg, before, wanted))

    done = await submit(call, VariableIn, act)
    return Redirect(f"/admin/eggs/{egg_id}", notice="saved") if isinstance(done, Done) else _page(egg, before, done)


def _changes(egg: Egg, before: EggVariable | None, wanted: VariableIn) -> EggChanges:
    """All variables of the egg with the wanted one in its place, or at the end.

    Raises:
        InvalidInput: Another one has the name.
    """
    if before is None:
        every = [*(_input(one) for one in egg.variables), wanted]
    else:
        named = wanted.model_copy(update={"id": before.id})
        every = [named if one.id == before.id else _input(one) for one in egg.variables]
    try:
        changes: EggChanges = validate(EggChanges, {"variables": [one.model_dump() for one in every]})
    except InvalidInput as error:
        raise InvalidInput({"env_variable": [text for said in error.fields.values() for text in said]}) from error
    return changes


def _variable(egg: Egg, variable_id: UUID) -> EggVariable:
    for one in egg.variables:
        if one.id == variable_id:
            return one
    raise NotFound


def _input(one: EggVariable) -> VariableIn:
    return VariableIn(**asdict(one))


def _page(egg: Egg, variable: EggVariable | None, problems: Problems) -> Page:
    stored: dict[str, Any] = asdict(variable) if variable else {}
    base = f"/admin/eggs/{egg.id}"
    title = variable.name if variable else _("New variable")
    values = {
        "fields": forms.fields(VariableIn, _typed(stored, problems), errors=problems.fields, only=SHOWN, more=LABELS),
        "problems": problems,
        "action": f"{base}/variables/{variable.id if variable else 'new'}",
        "cancel": base,
    }
    crumbs = (*CRUMBS, Crumb(label=egg.name, path=base), Crumb(label=title))
    return Page("gameservers/admin_form.html", values, title=title, crumbs=crumbs, status=problems.status)


def _typed(stored: dict[str, Any], problems: Problems) -> dict[str, Any]:
    """What was typed; of a form that was sent, absent switches are off."""
    if not problems.typed:
        return stored
    return {**stored, "user_viewable": False, "user_editable": False, **problems.typed}
