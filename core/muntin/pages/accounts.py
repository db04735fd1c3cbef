"""Accounts of others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from quart import Request

from muntin.access import Actor
from muntin.accounts import administration as service
from muntin.accounts import removal
from muntin.accounts.administration_schemas import User, UserChange, UserInput, UserQuery
from muntin.call import Call
from muntin.errors import Forbidden, MuntinError
from muntin.pages import forms
from muntin.pages.admin import admin_page
from muntin.pages.answers import Page, Redirect
from muntin.pages.rows import row
from muntin.pages.submitting import Done, Problems, attempt, require_name, submit, typed
from muntin.pages.tables import view
from muntin.roles.schemas import Role
from muntin.roles.service import list_roles
from muntin.routing import Routes
from muntin.schemas import PageQuery
from muntin.translation import _

routes = Routes(dialect="pages", prefix="/admin/accounts", tags=("admin",))
LIST = "/admin/accounts"


@routes.get("", query=UserQuery, service=service.list_users)
async def list_accounts(actor: Actor, call: Call, query: UserQuery) -> Page:
    """Every account."""
    page = await service.list_users(actor, query)
    rows = [row(one, name=one.username, full_name=_full_name(one), path=f"{LIST}/{one.id}") for one in page.items]
    values = {"rows": rows, "view": view(call, page, sort="name"), "roles": await _roles(actor)}
    return admin_page("accounts/list", _("Accounts"), values)


@routes.get("/new", service=service.create_user)
async def new_account(actor: Actor) -> Page:
    """The form of a new account."""
    return await _new(actor, Problems())


@routes.post("/new", service=service.create_user)
async def create_account(actor: Actor, call: Call) -> Page | Redirect:
    """Make an account, or invite its person."""
    done = await submit(call, UserInput, lambda form: service.create_user(actor, form), shown=_shown(actor, "create"))
    if not isinstance(done, Done):
        return await _new(actor, done)
    invited = not (await typed(call)).get("password")
    notice = _("The account was made; an invitation is on its way.") if invited else _("The account was made.")
    return Redirect(f"{LIST}/{done.value.id}", notice=notice)


@routes.get("/<uuid:account_id>", service=service.load_user)
async def show_account(actor: Actor, account_id: UUID) -> Page:
    """One account."""
    return await _edit(actor, account_id, Problems())


@routes.post("/<uuid:account_id>", service=service.update_user)
async def save_account(actor: Actor, call: Call, account_id: UUID) -> Page | Redirect:
    """Change an account."""
    done = await submit(
        call, UserChange, lambda form: service.update_user(actor, account_id, form), shown=_shown(actor, "update")
    )
    if isinstance(done, Done):
        return Redirect(f"{LIST}/{account_id}", notice="saved")
    return await _edit(actor, account_id, done)


@routes.post("/<uuid:account_id>/status", service=service.update_user)
async def change_status(actor: Actor, call: Call, account_id: UUID) -> Redirect:
    """Suspend an account, or open it again."""
    suspend = (await typed(call)).get("status") == "suspended"
    change = UserChange(status="suspended" if suspend else "active")
    notice = _("The account is suspended.") if suspend else _("The account is open again.")
    return await attempt(service.update_user(actor, account_id, change), back=f"{LIST}/{account_id}", notice=notice)


@routes.post("/<uuid:account_id>/two-factor", service=service.disable_two_factor)
async def reset_two_factor(actor: Actor, account_id: UUID) -> Redirect:
    """Take the second factor from somebody who lost it."""
    work = service.disable_two_factor(actor, account_id)
    return await attempt(work, back=f"{LIST}/{account_id}", notice=_("The second factor was taken away."))


@routes.post("/<uuid:account_id>/delete", service=removal.delete_user)
async def delete_account(actor: Actor, call: Call, account_id: UUID) -> Redirect:
    """Delete an account whose name was typed."""

    async def named() -> None:
        require_name(await typed(call), (await service.load_user(actor, account_id)).username)
        await removal.delete_user(actor, account_id)

    return await attempt(named(), back=f"{LIST}/{account_id}", then=LIST, notice="deleted")


@routes.post("/suspend", service=service.update_user)
async def suspend_many(actor: Actor, call: Call) -> Redirect:
    """Suspend the chosen accounts."""
    return await _each(actor, call, "suspended")


@routes.post("/activate", service=service.update_user)
async def activate_many(actor: Actor, call: Call) -> Redirect:
    """Open the chosen accounts again."""
    return await _each(actor, call, "active")


def _shown(actor: Actor, action: str) -> tuple[type[MuntinError], ...]:
    """Who may use the form is told in it what they cannot give, and nothing typed is lost."""
    return (Forbidden,) if actor.may(f"admin.users.{action}") else ()


async def _each(actor: Actor, call: Call, status: Any) -> Redirect:
    """One after the other; those that may not be changed are named with the reason."""
    refused: list[str] = []
    ids = await chosen_ids(call)
    for account_id in ids:
        try:
            await service.update_user(actor, account_id, UserChange(status=status))
        except MuntinError as error:
            refused.append(error.message)
    if refused:
        text = _("{count} could not be changed: {reasons}", count=len(refused), reasons=" ".join(sorted({*refused})))
        return Redirect(LIST, notice=text, kind="warning")
    return Redirect(LIST, notice=_("{count} changed.", count=len(ids)))


async def chosen_ids(call: Call) -> list[UUID]:
    """The rows that were ticked in a table; what is no id is left out."""
    assert isinstance(call.request, Request)  # noqa: S101 - websockets have no body
    raw = await call.request.get_data(as_text=True)
    sent = parse_qs(raw if isinstance(raw, str) else raw.decode("utf-8", "replace"))
    return [UUID(one) for one in sent.get("ids", ()) if _is_uuid(one)]


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


async def _new(actor: Actor, found: Problems) -> Page:
    shown = {name: value for name, value in found.typed.items() if name != "password"}
    more = await _fields_of(actor) | {
        "password": {
            "kind": "password",
            "autocomplete": "new-password",
            "help": _("Left empty, the person gets an invitation by mail and chooses one."),
        },
        "email": {"label": _("E-mail"), "autofocus": True},
    }
    fields = forms.fields(UserInput, shown, errors=found.fields, more=more, without=forms.without_choice())
    values = {"fields": fields, "problems": found}
    return admin_page("accounts/new", _("New account"), values, above=((_("Accounts"), LIST),), status=found.status)


async def _edit(actor: Actor, account_id: UUID, found: Problems) -> Page:
    account = await service.load_user(actor, account_id)
    known = {name: getattr(account, name, None) for name in UserChange.model_fields} | dict(found.typed)
    more = await _fields_of(actor) | {
        "email": {"label": _("E-mail"), "required": True},
        "username": {"required": True},
        "language": {"kind": "select", "options": forms.languages(account.language), "short": True},
        "password": {
            "kind": "password",
            "autocomplete": "new-password",
            "help": _("Left empty, it stays. A new one ends every session of the account."),
        },
    }
    fixed = ("status",) if account.id == actor.account_id or account.status == "deleted" else ()
    without = (*fixed, *forms.without_choice())
    fields = forms.fields(UserChange, known | {"password": None}, errors=found.fields, more=more, without=without)
    values = {"user": account, "fields": fields, "problems": found, "own": account.id == actor.account_id}
    return admin_page("accounts/edit", account.username, values, above=((_("Accounts"), LIST),), status=found.status)


async def _fields_of(actor: Actor) -> dict[str, forms.Field]:
    roles = [(str(role.id), role.name) for role in await _roles(actor)]
    return {
        "role_id": {"label": _("Role"), "kind": "select", "options": roles, "required": True},
        "status": {"label": _("Status"), "required": True},
        "language": {"kind": "select", "options": forms.languages(), "short": True},
        "external_id": {"label": _("External id"), "help": _("How another system calls this account.")},
    }


async def _roles(actor: Actor) -> Sequence[Role]:
    return (await list_roles(actor, PageQuery(per_page=100))).items if actor.may("admin.roles.list") else ()


def _full_name(account: User) -> str:
    return " ".join(filter(None, (account.first_name, account.last_name)))
