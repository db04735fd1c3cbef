"""Reading the actor behind a credential from the database."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from muntin.access import Actor, Grants
from muntin.accounts.errors import AccountSuspended, AddressNotAllowed, ApiKeyInactive
from muntin.accounts.models import AccountRow, ApiKeyRow, SessionRow
from muntin.accounts.tokens import read_access_token
from muntin.call import within_networks
from muntin.errors import NotAuthenticated
from muntin.roles.models import RoleRow
from muntin.runtime import panel
from muntin.settings.sections import SecuritySettings
from muntin.signing import digest

KEY_PREFIX = "bp_"
NOTED_EVERY = timedelta(minutes=1)
"""How exact "last used" is; each note is a write."""


@dataclass(frozen=True, slots=True)
class Found:
    """An actor, and for how many seconds at most their credential is good."""

    actor: Actor
    lasts_s: float


async def by_bearer(token: str, address: str) -> Found:
    """The actor of an API key or an access token; see `credentials.actor_of_bearer` for what it raises."""
    return await (_by_key(token, address) if token.startswith(KEY_PREFIX) else _by_access_token(token, address))


async def by_cookie(secret: str, address: str) -> Found:
    """The actor of a browser's session.

    Raises:
        NotAuthenticated: There is no such session, or it is over.
    """
    row = await SessionRow.get_or_none(secret_hash=digest(secret), kind="web").select_related("account__role")
    if row is None or is_over(row):
        raise NotAuthenticated
    await _note_use(row, address)
    return Found(_session_actor(row, address), (row.expires_at - datetime.now(UTC)).total_seconds())


async def is_unchanged(actor: Actor) -> bool:
    """Whether the actor, read anew, may still do the same."""
    if actor.key_id is not None:
        key = await ApiKeyRow.get_or_none(id=actor.key_id).select_related("account__role")
        return key is not None and _is_usable(key) and actor_of_key(key, actor.address) == actor
    if actor.session_id is not None:
        session = await SessionRow.get_or_none(id=actor.session_id).select_related("account__role")
        return session is not None and not is_over(session) and _session_actor(session, actor.address) == actor
    return True


def actor_of_account(account: AccountRow, address: str) -> Actor:
    """The account itself as an actor, for its role (which has to be loaded)."""
    grants = account.role.grants
    return Actor(
        kind="account",
        account_id=account.id,
        username=account.username,
        role_id=account.role.id,
        role_slug=account.role.slug,
        rate_multiplier=account.role.rate_limit_multiplier,
        grants=grants,
        address=address,
        must_enrol=not account.has_two_factor and two_factor_demanded(grants),
    )


async def holders_of(permission: str) -> list[AccountRow]:
    """The accounts in use whose role allows it: whom to tell of what they can mend."""
    roles = [role.id for role in await RoleRow.all() if role.grants.allow(permission)]
    return await AccountRow.filter(status="active", role_id__in=roles).order_by("username")


def two_factor_demanded(grants: Grants) -> bool:
    """Whether the panel's settings demand a second factor of somebody with these permissions."""
    demanded_of = panel().settings.section(SecuritySettings).two_factor
    if demanded_of == "admins":
        return any(key == "*" or key.startswith("admin.") for key in grants)
    return demanded_of == "all"


def is_over(session: SessionRow) -> bool:
    """Whether the session has expired, was idle for too long, or its account may not be used."""
    now = datetime.now(UTC)
    if session.expires_at <= now or session.account.status != "active":
        return True
    if session.kind != "web" or session.remember:
        return False
    idle = timedelta(minutes=panel().settings.section(SecuritySettings).session_timeout_minutes)
    return session.last_active_at + idle <= now


async def _by_access_token(token: str, address: str) -> Found:
    claims = read_access_token(token)
    row = await SessionRow.get_or_none(id=claims.session_id, account_id=claims.account_id, kind="api").select_related(
        "account__role"
    )
    if row is None or is_over(row):
        raise NotAuthenticated
    await _note_use(row, address)
    return Found(_session_actor(row, address), claims.expires_at_s - time.time())


async def _by_key(token: str, address: str) -> Found:
    key = await ApiKeyRow.get_or_none(token_hash=digest(token), kind="native").select_related("account__role")
    if key is None:
        raise NotAuthenticated
    refuse_unusable(key, address)
    now = datetime.now(UTC)
    if key.last_used_at is None or key.last_used_at + NOTED_EVERY <= now or key.last_used_ip != address:
        await ApiKeyRow.filter(id=key.id).update(last_used_at=now, last_used_ip=address[:45])
    lasts_s = (key.expires_at - now).total_seconds() if key.expires_at else float("inf")
    return Found(actor_of_key(key, address), lasts_s)


def refuse_unusable(key: ApiKeyRow, address: str) -> None:
    """Refuse a key (of any kind; its account has to be loaded) that is off, expired, or used from elsewhere.

    Raises:
        ApiKeyInactive, AddressNotAllowed, AccountSuspended: See there.
    """
    if key.account.status == "suspended":
        raise AccountSuspended
    if not _is_usable(key):
        raise ApiKeyInactive
    if key.allowed_ips and not within_networks(address, key.allowed_ips):
        raise AddressNotAllowed


def actor_of_key(key: ApiKeyRow, address: str) -> Actor:
    """What a key acts as: its owner, limited to the key's permissions."""
    owner = actor_of_account(key.account, address)
    return replace(owner, kind="api_key", scopes=Grants(key.permissions), key_id=key.id)


def _is_usable(key: ApiKeyRow) -> bool:
    expired = key.expires_at is not None and key.expires_at <= datetime.now(UTC)
    return key.is_active and not expired and key.account.status == "active"


def _session_actor(session: SessionRow, address: str) -> Actor:
    return replace(actor_of_account(session.account, address), session_id=session.id)


async def _note_use(session: SessionRow, address: str) -> None:
    now = datetime.now(UTC)
    if session.last_active_at + NOTED_EVERY <= now:
        await SessionRow.filter(id=session.id).update(last_active_at=now, ip=address[:45])
