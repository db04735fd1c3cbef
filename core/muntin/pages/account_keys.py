"""One's own API keys and SSH keys."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from muntin.access import Actor, guarded
from muntin.accounts import api_keys, ssh_keys
from muntin.accounts.inputs import ApiKeyChange, ApiKeyInput, SshKeyInput
from muntin.accounts.models import ApiKeyRow
from muntin.accounts.profile import load_account
from muntin.accounts.schemas import ApiKey
from muntin.call import Call
from muntin.errors import InvalidInput
from muntin.pages import forms
from muntin.pages.account import account_page
from muntin.pages.answers import Page, Redirect
from muntin.pages.permissions import choices, sent_permissions
from muntin.pages.rows import row
from muntin.pages.submitting import Done, Problems, attempt, submit, typed
from muntin.pages.tables import view
from muntin.routing import Routes
from muntin.schemas import PageQuery
from muntin.translation import _

routes = Routes(dialect="pages", prefix="/account", tags=("account",))
KEYS = "/account/api-keys"
SSH_KEYS = "/account/ssh-keys"


@routes.get("/api-keys", query=PageQuery, service=api_keys.list_api_keys)
async def list_keys(actor: Actor, call: Call, query: PageQuery) -> Page:
    """The keys, and what makes one."""
    page = await api_keys.list_api_keys(actor, query)
    rows = [row(one, name=one.description, state=_state(one), path=f"{KEYS}/{one.id}") for one in page.items]
    return account_page(call, "api_keys", _("API keys"), {"rows": rows, "view": view(call, page, sort="-created_at")})


@routes.get("/api-keys/new", service=api_keys.create_api_key)
async def new_key(actor: Actor, call: Call) -> Page:
    """The form of a new key."""
    return await _new_key(actor, call, Problems())


@routes.post("/api-keys/new", service=api_keys.create_api_key)
async def create_key(actor: Actor, call: Call) -> Page:
    """Make a key and show it, once."""
    sent = await typed(call)
    try:
        expires_at = await _moment(actor, str(sent.get("expires_at", "")))
    except InvalidInput as error:
        return await _new_key(actor, call, Problems(sent, error.fields))
    values = {**_sent(sent), "expires_at": expires_at}
    done = await submit(
        call, ApiKeyInput, lambda form: api_keys.create_api_key(actor, **form.model_dump()), values=values
    )
    if not isinstance(done, Done):
        return await _new_key(actor, call, done)
    return account_page(call, "api_key_made", _("Your new API key"), {"key": done.value})


@guarded("account.api-keys", on=ApiKeyRow)
async def load_key(actor: Actor, key: ApiKeyRow) -> ApiKey:
    """One of the actor's keys."""
    return api_keys.shown_key(key)


@routes.get("/api-keys/<uuid:key_id>", service=load_key)
async def show_key(actor: Actor, call: Call, key_id: UUID) -> Page:
    """One key."""
    return await _key(actor, call, key_id, Problems())


@routes.post("/api-keys/<uuid:key_id>", service=api_keys.update_api_key)
async def save_key(actor: Actor, call: Call, key_id: UUID) -> Page | Redirect:
    """Change a key."""
    values = _sent(await typed(call))
    done = await submit(
        call,
        ApiKeyChange,
        lambda form: api_keys.update_api_key(actor, key_id, **form.model_dump(exclude={"is_active"})),
        values=values,
    )
    return Redirect(KEYS, notice="saved") if isinstance(done, Done) else await _key(actor, call, key_id, done)


@routes.post("/api-keys/<uuid:key_id>/switch", service=api_keys.update_api_key)
async def switch_key(actor: Actor, call: Call, key_id: UUID) -> Redirect:
    """Switch a key on or off."""
    on = (await typed(call)).get("active") == "true"
    changed = api_keys.update_api_key(actor, key_id, is_active=on)
    return await attempt(changed, back=KEYS, notice=_("The key is on.") if on else _("The key is off."))


@routes.post("/api-keys/<uuid:key_id>/delete", service=api_keys.delete_api_key)
async def delete_key(actor: Actor, key_id: UUID) -> Redirect:
    """Delete a key; it stops working at once."""
    return await attempt(api_keys.delete_api_key(actor, key_id), back=KEYS, notice="deleted")


@routes.get("/ssh-keys", query=PageQuery, service=ssh_keys.list_ssh_keys)
async def list_ssh(actor: Actor, call: Call, query: PageQuery) -> Page:
    """The public keys for SFTP."""
    return await _ssh(actor, call, query, Problems())


@routes.post("/ssh-keys", service=ssh_keys.add_ssh_key)
async def add_ssh(actor: Actor, call: Call) -> Page | Redirect:
    """Add a public key."""
    done = await submit(
        call, SshKeyInput, lambda form: ssh_keys.add_ssh_key(actor, name=form.name, public_key=form.public_key)
    )
    if isinstance(done, Done):
        return Redirect(SSH_KEYS, notice="added")
    return await _ssh(actor, call, PageQuery(), done)


@routes.post("/ssh-keys/<uuid:key_id>/delete", service=ssh_keys.delete_ssh_key)
async def delete_ssh(actor: Actor, key_id: UUID) -> Redirect:
    """Remove a public key."""
    return await attempt(ssh_keys.delete_ssh_key(actor, key_id), back=SSH_KEYS, notice="deleted")


def _sent(sent: dict[str, Any]) -> dict[str, Any]:
    networks = [part.strip() for part in str(sent.get("allowed_ips", "")).replace("\n", ",").split(",")]
    return {
        "description": sent.get("description", ""),
        "permissions": sent_permissions(sent),
        "allowed_ips": [one for one in networks if one],
    }


async def _moment(actor: Actor, text: str) -> datetime | None:
    """What a `datetime-local` field sent, in the person's own time zone."""
    if not text:
        return None
    account = await load_account(actor)
    try:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(account.timezone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput.of("expires_at", _("Give a date and a time.")) from None


async def _new_key(actor: Actor, call: Call, found: Problems) -> Page:
    more: dict[str, forms.Field] = {
        "description": {"label": _("Name"), "help": _("What the key is for."), "autofocus": True},
        "expires_at": {
            "label": _("Expires"),
            "kind": "datetime",
            "help": _("Left empty, it works until it is deleted."),
        },
    }
    fields = forms.fields(
        ApiKeyInput, found.typed, errors=found.fields, without=("permissions",), more=more | _networks()
    )
    return await _key_form(actor, call, "api_key_new", _("New API key"), fields, found, ["*"])


async def _key(actor: Actor, call: Call, key_id: UUID, found: Problems) -> Page:
    key = await load_key(actor, key_id)
    known = {"description": key.description, "allowed_ips": list(key.allowed_ips), **found.typed}
    more: dict[str, forms.Field] = {"description": {"label": _("Name"), "required": True}}
    fields = forms.fields(
        ApiKeyChange, known, errors=found.fields, only=("description", "allowed_ips"), more=more | _networks()
    )
    return await _key_form(actor, call, "api_key", key.description, fields, found, key.permissions, key=key)


async def _key_form(
    actor: Actor,
    call: Call,
    template: str,
    title: str,
    fields: list[forms.Field],
    found: Problems,
    permissions: Any,
    **more: Any,
) -> Page:
    chosen = sent_permissions(found.typed) if found.typed else permissions
    groups = await choices(actor, chosen, own=True)
    values = {"fields": fields, "problems": found, "groups": groups, "everything": "*" in chosen, **more}
    return account_page(call, template, title, values, status=found.status)


def _networks() -> dict[str, forms.Field]:
    text = _("Addresses and networks it may be used from; from anywhere if there are none.")
    return {
        "allowed_ips": {"label": _("Allowed addresses"), "kind": "tags", "help": text, "placeholder": "192.0.2.0/24"}
    }


def _state(key: Any) -> str:
    if key.expires_at is not None and key.expires_at <= datetime.now(UTC):
        return "expired"
    return "active" if key.is_active else "disabled"


async def _ssh(actor: Actor, call: Call, query: PageQuery, found: Problems) -> Page:
    page = await ssh_keys.list_ssh_keys(actor, query)
    more: dict[str, forms.Field] = {
        "public_key": {"label": _("Public key"), "kind": "textarea", "rows": 3, "placeholder": "ssh-ed25519 AAAA…"},
        "name": {"placeholder": _("Laptop")},
    }
    fields = forms.fields(SshKeyInput, found.typed, errors=found.fields, more=more)
    values = {"rows": page.items, "view": view(call, page, sort="name"), "fields": fields, "problems": found}
    return account_page(call, "ssh_keys", _("SSH keys"), values, status=found.status)
