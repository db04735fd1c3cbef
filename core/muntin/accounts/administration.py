"""Accounts of others: list, make, change, suspend. Nobody touches an account that may do more than they."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from muntin import audit
from muntin.access import Actor, guarded, require
from muntin.accounts import credentials, passwords, second_factor
from muntin.accounts.administration_schemas import User, UserChange, UserInput, UserQuery
from muntin.accounts.events import UserCreated, UserSuspended, UserUnsuspended, UserUpdated
from muntin.accounts.models import AccountRow
from muntin.accounts.notices import send_notice
from muntin.accounts.profile import refuse_taken, save_unique, shortest_password, shown_account, store_password
from muntin.accounts.rank import editable_account, refuse_last_administrator
from muntin.accounts.recovery import send_invitation
from muntin.accounts.schemas import Account
from muntin.accounts.sessions import end_sessions
from muntin.contributions import AccountUsage
from muntin.database import Transaction, transaction
from muntin.errors import Forbidden, InvalidInput, NotFound
from muntin.plugins.boundaries import told_by
from muntin.roles.models import RoleRow
from muntin.roles.rank import require_covering
from muntin.runtime import panel
from muntin.schemas import Page
from muntin.settings import GeneralSettings, section
from muntin.translation import _
from muntin.vetoes import ask

SORTABLE = {
    "name": "username_key",
    "username": "username_key",
    "email": "email",
    "status": "status",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "last_login_at": "last_login_at",
}
_NULLABLE = ("first_name", "last_name", "external_id")


@guarded("admin.users.list")
async def list_users(actor: Actor, query: UserQuery) -> Page[User]:
    """Accounts by name; `search` looks into names and addresses."""
    rows = _filtered(query)
    total = await rows.count()
    order = query.order(SORTABLE, default="name")
    found = await rows.order_by(*order).offset(query.offset).limit(query.per_page).select_related("role")
    return Page.of(await _shown(found), total, query)


@guarded("admin.users.list")
async def load_user(actor: Actor, account_id: UUID) -> User:
    """One account, a deleted one too."""
    account = await AccountRow.get_or_none(id=account_id).select_related("role")
    if account is None:
        raise NotFound
    return await _shown_one(account)


@guarded("admin.users.create")
async def create_user(actor: Actor, user: UserInput) -> User:
    """Make an account for somebody; without a password they get a link to set one.

    Raises:
        AccountExists: The address, the name or the external id is taken.
        Forbidden: The role may do more than the actor.
        Vetoed: A plugin objects.
    """
    role = await _grantable_role(actor, user.role_id)
    given = user.model_dump(exclude={"password", "language"})
    await ask("account.create", actor, given)
    hashed = await _hashed(user.password)
    account = AccountRow(**given, language=user.language or section(GeneralSettings).language, password_hash=hashed)
    async with transaction() as events:
        await refuse_taken(email=account.email, username=account.username)
        await save_unique(account)
        events.add(UserCreated(user_id=account.id, email=account.email, username=account.username, by=actor.account_id))
        await audit.record(events, actor, "user.created", ("user", account.id), given)
        if hashed is None and account.status != "suspended":
            await send_invitation(events, account)
    account.role = role
    return await _shown_one(account)


@guarded("admin.users.update")
async def update_user(actor: Actor, account_id: UUID, change: UserChange) -> User:
    """Change what is given, and leave the rest. Suspending ends sessions and stops keys at once.

    Raises:
        NotFound: There is no such account, or it was deleted.
        Forbidden: The account, or the role it is to have, may do more than the actor.
        AccountExists: The address, the name or the external id is taken.
        LastAdministrator: Nobody could administer the panel any more.
        Vetoed: A plugin objects to the role.
    """
    if change.role_id is not None and await AccountRow.filter(id=account_id).exclude(role_id=change.role_id).exists():
        await ask("role.assign", actor, {"account_id": account_id, "role_id": change.role_id})
    hashed = await _hashed(change.password)
    async with transaction() as events:
        account = await editable_account(actor, account_id)
        changes = _changes(account, change)
        await _refuse(actor, account, changes)
        if changes:
            await _apply(events, actor, account, changes)
        if hashed is not None:
            await store_password(events, actor, account, hashed)
            await end_sessions(events, account.id, but=actor.session_id)
    return await load_shown(account_id)


@guarded("admin.users.update")
async def disable_two_factor(actor: Actor, account_id: UUID) -> User:
    """Take the second factor from an account whose person lost it; they are told by mail."""
    async with transaction() as events:
        account = await editable_account(actor, account_id)
        await second_factor.forget(account.id)
        await credentials.revoke(events, accounts=[account.id])
        events.add(UserUpdated(user_id=account.id, changed=("two_factor",), by=actor.account_id))
        await audit.record(events, actor, "user.two_factor_disabled", ("user", account.id))
        text = _("An administrator took the second factor from your account. Set it up anew when you sign in.")
        await send_notice(events, account, _("Two-factor authentication is off"), text)
    return await load_shown(account_id)


async def load_shown(account_id: UUID) -> User:
    """An account as administrators see it, for services that have checked who asks."""
    return await _shown_one(await AccountRow.get(id=account_id).select_related("role"))


def _filtered(query: UserQuery) -> QuerySet[AccountRow]:
    rows = AccountRow.filter(status=query.status) if query.status else AccountRow.exclude(status="deleted")
    if query.role_id is not None:
        rows = rows.filter(role_id=query.role_id)
    if query.email:
        rows = rows.filter(email=query.email.lower())
    if query.external_id:
        rows = rows.filter(external_id=query.external_id)
    if query.search:
        columns = ("email", "username", "first_name", "last_name")
        rows = rows.filter(Q(*(Q(**{f"{one}__icontains": query.search}) for one in columns), join_type="OR"))
    return rows


def _changes(account: AccountRow, change: UserChange) -> dict[str, Any]:
    """The fields that really change; only some may become nothing."""
    sent = change.model_dump(exclude_unset=True, exclude={"password"})
    wanted = {name: value for name, value in sent.items() if value is not None or name in _NULLABLE}
    return {name: value for name, value in wanted.items() if getattr(account, name) != value}


async def _refuse(actor: Actor, account: AccountRow, changes: dict[str, Any]) -> None:
    """What the actor may not change in this account.

    Raises:
        Forbidden, AccountExists, LastAdministrator: See `update_user`.
    """
    if "status" in changes and "suspended" in (changes["status"], account.status):
        require(actor, "admin.users.suspend")
    if "status" in changes and account.id == actor.account_id:
        raise Forbidden(_("You cannot change the status of your own account."))
    if "role_id" in changes:
        await _grantable_role(actor, changes["role_id"])
    if "role_id" in changes or changes.get("status", "active") != "active":
        await refuse_last_administrator(account)
    username = changes.get("username", account.username)
    other_name = username if username.lower() != account.username_key else None
    await refuse_taken(email=changes.get("email"), username=other_name)


async def _apply(events: Transaction, actor: Actor, account: AccountRow, changes: dict[str, Any]) -> None:
    status_before, told = account.status, {"changed": sorted(changes), **_told(account, changes)}
    if "email" in changes:
        text = _("An administrator gave your account another e-mail address.")
        await send_notice(events, account, _("Your e-mail address was changed"), text)
        account.email_verified_at = None
    await save_unique(account.update_from_dict(changes), [*changes, "email_verified_at", "updated_at"])
    await credentials.revoke(events, accounts=[account.id])
    events.add(UserUpdated(user_id=account.id, changed=tuple(sorted(changes)), by=actor.account_id))
    await audit.record(events, actor, "user.updated", ("user", account.id), told)
    if "status" in changes:
        await _tell_status(events, actor, account, status_before)


async def _tell_status(events: Transaction, actor: Actor, account: AccountRow, before: str) -> None:
    if account.status == "suspended":
        await end_sessions(events, account.id)
        events.add(UserSuspended(user_id=account.id, by=actor.account_id))
    elif before == "suspended":
        events.add(UserUnsuspended(user_id=account.id, by=actor.account_id))


def _told(account: AccountRow, changes: dict[str, Any]) -> dict[str, Any]:
    return {name: {"from": getattr(account, name), "to": value} for name, value in changes.items()}


async def _grantable_role(actor: Actor, role_id: int) -> RoleRow:
    """A role that the actor may give away.

    Raises:
        InvalidInput: There is no such role.
        Forbidden: It may do more than the actor.
    """
    role = await RoleRow.get_or_none(id=role_id)
    if role is None:
        raise InvalidInput.of("role_id", _("There is no such role."))
    require_covering(actor, role.grants, _("This role may do more than you."))
    return role


async def _hashed(password: str | None) -> str | None:
    if password is None:
        return None
    passwords.require_length(password, shortest_password())
    return await passwords.hash_password(password)


async def _shown(accounts: Sequence[AccountRow]) -> list[User]:
    servers = await count_owned("servers", [account.id for account in accounts])
    return [_user(account, servers.get(account.id, 0)) for account in accounts]


async def _shown_one(account: AccountRow) -> User:
    return (await _shown([account]))[0]


async def count_owned(kind: str, account_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many things of a kind the accounts own, as the enabled plugins tell."""
    counted: dict[UUID, int] = {}
    for owned in panel().registry.owned(AccountUsage):
        if owned.value.kind == kind and account_ids:
            ask = partial(owned.value.count, account_ids)
            for account_id, count in (await told_by(owned.plugin, f"count of {kind}", ask, int)).items():
                counted[account_id] = counted.get(account_id, 0) + count
    return counted


def _user(account: AccountRow, servers_count: int) -> User:
    shown = shown_account(account)
    return User(
        **{name: getattr(shown, name) for name in Account.__dataclass_fields__},
        role_id=account.role_id,
        external_id=account.external_id,
        servers_count=servers_count,
        last_login_at=account.last_login_at,
    )
