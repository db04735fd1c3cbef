"""API keys of an account: `bp_` and forty letters and digits, of which the panel keeps a digest."""

from __future__ import annotations

import secrets
import string
from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import ip_network

from muntin import audit
from muntin.access import Actor, Grants, Permission, guarded
from muntin.accounts import credentials
from muntin.accounts.errors import TooManyKeys
from muntin.accounts.lookup import KEY_PREFIX
from muntin.accounts.models import ApiKeyRow
from muntin.accounts.notices import send_notice
from muntin.accounts.own import locked_account
from muntin.accounts.schemas import ApiKey, NewApiKey
from muntin.database import Transaction, run_in_transaction, transaction
from muntin.errors import Forbidden, InvalidInput
from muntin.runtime import panel
from muntin.schemas import Page, PageQuery
from muntin.settings.sections import FeatureSettings
from muntin.signing import digest
from muntin.translation import _

MAX_KEYS = 25
SHOWN = 11
"""Letters of a key that stay readable, so that people recognise it."""
SORTABLE = ("created_at", "description", "last_used_at", "expires_at")
_ALPHABET = string.ascii_letters + string.digits


def new_key_token() -> str:
    """A fresh key, 43 characters."""
    return KEY_PREFIX + "".join(secrets.choice(_ALPHABET) for _index in range(40))


@guarded("account.api-keys")
async def list_api_keys(actor: Actor, query: PageQuery) -> Page[ApiKey]:
    """The actor's keys."""
    rows = ApiKeyRow.visible_to(actor).filter(kind="native")
    if query.search:
        rows = rows.filter(description__icontains=query.search)
    order = query.order(SORTABLE, default="-created_at")
    found: list[ApiKeyRow] = await rows.order_by(*order).offset(query.offset).limit(query.per_page)
    return Page.of([shown_key(row) for row in found], await rows.count(), query)


@guarded("account.api-keys", sessions_only=True)
async def create_api_key(
    actor: Actor,
    *,
    description: str,
    permissions: Sequence[str] = ("*",),
    allowed_ips: Sequence[str] = (),
    expires_at: datetime | None = None,
) -> NewApiKey:
    """Make a key; the answer is the only one that holds it.

    Args:
        permissions: What the key is limited to; it never allows more than its owner may.
        allowed_ips: Addresses and networks it may be used from; from anywhere if there are none.

    Raises:
        TooManyKeys: The account has 25.
        InvalidInput: An unknown permission, a network that is none, or a time that is past.
    """
    if not panel().settings.section(FeatureSettings).api_keys:
        raise Forbidden(_("API keys are switched off on this panel."))
    refuse_unknown_permissions(permissions)
    refuse_past(expires_at)
    networks, token = checked_networks(allowed_ips), new_key_token()

    async def make(events: Transaction) -> ApiKeyRow:
        account = await locked_account(actor)  # parallel requests count one after the other
        if await ApiKeyRow.filter(account_id=account.id, kind="native").count() >= MAX_KEYS:
            raise TooManyKeys(limit=MAX_KEYS)
        key = await ApiKeyRow.create(
            account_id=account.id,
            prefix=token[:SHOWN],
            token_hash=digest(token),
            description=description,
            permissions=list(permissions),
            allowed_ips=networks,
            expires_at=expires_at,
        )
        await audit.record(events, actor, "api_key.created", ("api_key", key.id), _told(key))
        facts = {_("Description"): description, _("Address"): actor.address}
        await send_notice(events, account, _("New API key"), _("An API key was made for your account."), facts)
        return key

    return _new_key(await run_in_transaction(make), token)


@guarded("account.api-keys", on=ApiKeyRow, sessions_only=True)
async def update_api_key(
    actor: Actor,
    key: ApiKeyRow,
    *,
    description: str | None = None,
    permissions: Sequence[str] | None = None,
    allowed_ips: Sequence[str] | None = None,
    is_active: bool | None = None,
) -> ApiKey:
    """Change what is given, and leave the rest; it counts at once.

    Raises:
        InvalidInput: As for `create_api_key`.
    """
    changes: dict[str, object] = {}
    if description is not None:
        changes["description"] = description
    if permissions is not None:
        refuse_unknown_permissions(permissions)
        changes["permissions"] = list(permissions)
    if allowed_ips is not None:
        changes["allowed_ips"] = checked_networks(allowed_ips)
    if is_active is not None:
        changes["is_active"] = is_active
    async with transaction() as events:
        await key.update_from_dict(changes).save(update_fields=[*changes, "updated_at"])
        await credentials.revoke(events, keys=[key.id])
        await audit.record(events, actor, "api_key.updated", ("api_key", key.id), changes)
    return shown_key(key)


@guarded("account.api-keys", on=ApiKeyRow)
async def delete_api_key(actor: Actor, key: ApiKeyRow) -> None:
    """Delete a key; it stops working at once."""
    async with transaction() as events:
        await key.delete()
        await credentials.revoke(events, keys=[key.id])
        await audit.record(events, actor, "api_key.deleted", ("api_key", key.id), _told(key))


def refuse_unknown_permissions(permissions: Sequence[str]) -> None:
    """Refuse keys that no plugin declares; a wildcard has to stand for at least one.

    Raises:
        InvalidInput: Names the field `permissions.<index>`.
    """
    known = {owned.value.key for owned in panel().registry.known(Permission)}
    wrong = {
        f"permissions.{index}": [_("There is no permission {name}.", name=repr(name))]
        for index, name in enumerate(permissions)
        if name not in known and not (name.endswith("*") and any(map(Grants((name,)).allow, known)))
    }
    if wrong:
        raise InvalidInput(wrong)


def checked_networks(networks: Sequence[str]) -> list[str]:
    """Addresses and networks in their usual form.

    Raises:
        InvalidInput: Names the field `allowed_ips.<index>`.
    """
    checked: list[str] = []
    wrong: dict[str, list[str]] = {}
    for index, text in enumerate(networks):
        try:
            network = ip_network(text.strip(), strict=False)
        except ValueError:
            wrong[f"allowed_ips.{index}"] = [_("Give an address or a network such as 192.0.2.0/24.")]
        else:
            checked.append(str(network) if "/" in text else str(network.network_address))
    if wrong:
        raise InvalidInput(wrong)
    return checked


def refuse_past(moment: datetime | None) -> None:
    """Refuse an expiry that is over.

    Raises:
        InvalidInput: Names the field `expires_at`.
    """
    if moment is not None and moment <= datetime.now(UTC):
        raise InvalidInput.of("expires_at", _("Give a time in the future."))


def shown_key(row: ApiKeyRow) -> ApiKey:
    """A key as people see it."""
    return ApiKey(
        id=row.id,
        prefix=row.prefix,
        description=row.description,
        permissions=tuple(row.permissions),
        allowed_ips=tuple(row.allowed_ips),
        is_active=row.is_active,
        last_used_at=row.last_used_at,
        last_used_ip=row.last_used_ip,
        expires_at=row.expires_at,
        created_at=row.created_at,
    )


def _new_key(row: ApiKeyRow, token: str) -> NewApiKey:
    shown = shown_key(row)
    return NewApiKey(token=token, **{name: getattr(shown, name) for name in ApiKey.__dataclass_fields__})


def _told(key: ApiKeyRow) -> dict[str, object]:
    """What the audit log tells of a key."""
    return {"prefix": key.prefix, "description": key.description, "permissions": list(key.permissions)}
