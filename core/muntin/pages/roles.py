"""Roles and what they may do."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping
from typing import Any

from muntin.access import Actor, Grants
from muntin.call import Call
from muntin.errors import Forbidden, InvalidInput, MuntinError
from muntin.pages import forms
from muntin.pages.admin import admin_page
from muntin.pages.answers import Page, Redirect
from muntin.pages.permissions import choices, sent_permissions
from muntin.pages.rows import row
from muntin.pages.submitting import Done, Problems, attempt, require_name, submit, typed
from muntin.pages.tables import view
from muntin.roles import service
from muntin.roles.errors import RoleExists
from muntin.roles.models import ADMIN_ID
from muntin.roles.schemas import Role, RoleChange, RoleInput
from muntin.routing import Routes
from muntin.schemas import PageQuery
from muntin.translation import _

routes = Routes(dialect="pages", prefix="/admin/roles", tags=("admin",))
LIST = "/admin/roles"
FIELDS = ("name", "slug", "description", "rate_limit_multiplier")


@routes.get("", query=PageQuery, service=service.list_roles)
async def list_roles(actor: Actor, call: Call, query: PageQuery) -> Page:
    """Every role."""
    page = await service.list_roles(actor, query)
    rows = [row(one, path=f"{LIST}/{one.id}", held=_held(one.permissions)) for one in page.items]
    return admin_page("roles/list", _("Roles"), {"rows": rows, "view": view(call, page, sort="name")})


@routes.get("/new", service=service.create_role)
async def new_role(actor: Actor) -> Page:
    """The form of a new role."""
    return await _new(actor, Problems())


@routes.post("/new", service=service.create_role)
async def create_role(actor: Actor, call: Call) -> Page | Redirect:
    """Make a role."""
    sent = await typed(call)
    done = await submit(
        call,
        RoleInput,
        lambda form: _at_its_field(service.create_role(actor, form), sent),
        values=_values(sent),
        shown=_shown(actor, "admin.roles.create"),
    )
    if isinstance(done, Done):
        return Redirect(f"{LIST}/{done.value.id}", notice="created")
    return await _new(actor, done)


@routes.get("/<int:role_id>", service=service.load_role)
async def show_role(actor: Actor, role_id: int) -> Page:
    """One role."""
    return await _edit(actor, role_id, Problems())


@routes.post("/<int:role_id>", service=service.update_role)
async def save_role(actor: Actor, call: Call, role_id: int) -> Page | Redirect:
    """Change a role; everybody who has it feels it at once."""
    sent, role = await typed(call), await service.load_role(actor, role_id)
    done = await submit(
        call,
        RoleChange,
        lambda form: _at_its_field(service.update_role(actor, role_id, form), sent),
        values=_values(sent),
        shown=_shown(actor, "admin.roles.edit") if _covers(actor, role.permissions) else (),
    )
    if isinstance(done, Done):
        return Redirect(f"{LIST}/{role_id}", notice="saved")
    return await _edit(actor, role_id, done)


@routes.post("/<int:role_id>/delete", service=service.delete_role)
async def delete_role(actor: Actor, call: Call, role_id: int) -> Redirect:
    """Remove a role whose name was typed."""

    async def named() -> None:
        require_name(await typed(call), (await service.load_role(actor, role_id)).slug)
        await service.delete_role(actor, role_id)

    return await attempt(named(), back=f"{LIST}/{role_id}", then=LIST, notice="deleted")


async def _at_its_field(work: Awaitable[Role], sent: Mapping[str, Any]) -> Role:
    """A short name that is taken is said where it was typed, or where it was made from."""
    try:
        return await work
    except RoleExists as error:
        if sent.get("slug"):
            raise InvalidInput.of("slug", error.message) from error
        raise InvalidInput.of("name", _("There is a role of such a name already.")) from error


def _shown(actor: Actor, permission: str) -> tuple[type[MuntinError], ...]:
    """Who may use the form is told in it what they cannot give, and nothing typed is lost."""
    return (Forbidden,) if actor.may(permission) else ()


def _values(sent: dict[str, Any]) -> dict[str, Any]:
    known = {name: sent[name] for name in FIELDS if name in sent}
    empty = {name: None for name in ("slug", "description") if known.get(name) == ""}
    return {**known, **empty, "permissions": sent_permissions(sent)}


async def _new(actor: Actor, found: Problems) -> Page:
    fields = forms.fields(RoleInput, found.typed, errors=found.fields, only=FIELDS, more=_more(False))
    chosen = sent_permissions(found.typed)
    values = {"fields": fields, "problems": found, **await _picker(actor, chosen)}
    return admin_page("roles/new", _("New role"), values, above=((_("Roles"), LIST),), status=found.status)


async def _edit(actor: Actor, role_id: int, found: Problems) -> Page:
    role = await service.load_role(actor, role_id)
    known = {name: getattr(role, name) for name in FIELDS} | dict(found.typed)
    fields = forms.fields(RoleChange, known, errors=found.fields, only=FIELDS, more=_more(role.is_system))
    chosen = sent_permissions(found.typed) if found.typed else role.permissions
    above_actor = not _covers(actor, role.permissions)
    values = {
        "role": role,
        "fields": fields,
        "problems": found,
        "fixed": role.id == ADMIN_ID or above_actor or not actor.may("admin.roles.edit"),
        "above_actor": above_actor,
        **await _picker(actor, chosen),
    }
    return admin_page("roles/edit", role.name, values, above=((_("Roles"), LIST),), status=found.status)


async def _picker(actor: Actor, chosen: Iterable[str]) -> dict[str, Any]:
    """What the picker shows; what the actor lacks cannot be given and is not offered for a click."""
    groups = await choices(actor, chosen)
    for group in groups:
        for one in group["choices"]:
            one["locked"] = not one["chosen"] and not actor.may(one["key"])
    return {"groups": groups, "everything": "*" in chosen, "may_everything": actor.may("*")}


def _more(is_system: bool) -> dict[str, forms.Field]:
    return {
        "name": {"required": True},
        "slug": {
            "label": _("Short name"),
            "help": _("Small letters, digits and dashes; made from the name when empty."),
            "readonly": is_system,
        },
        "description": {"kind": "textarea", "rows": 2},
        "rate_limit_multiplier": {
            "label": _("Requests"),
            "unit": _("times the usual"),
            "required": True,
            "help": _("How many requests a minute people of this role may send."),
        },
    }


def _covers(actor: Actor, permissions: Iterable[str]) -> bool:
    return all(actor.may(one) for one in permissions)


def _held(permissions: Iterable[str]) -> str:
    held = Grants(permissions)
    return _("Everything") if held.allow("*") else str(len(held.keys))
