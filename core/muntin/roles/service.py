"""Roles: who may make, change and remove which."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from tortoise.exceptions import IntegrityError
from tortoise.expressions import Q
from tortoise.functions import Count

from muntin import audit
from muntin.access import Actor, Grants, guarded
from muntin.accounts import credentials
from muntin.accounts.models import AccountRow
from muntin.database import Transaction, transaction, uuid7
from muntin.deletion import refuse_objections
from muntin.errors import Forbidden, NotFound
from muntin.roles.catalogue import refuse_unknown_keys
from muntin.roles.errors import RoleExists, RoleInUse, SystemRole
from muntin.roles.events import RoleCreated, RoleDeleted, RoleUpdated
from muntin.roles.models import ADMIN_ID, RoleRow
from muntin.roles.rank import require_covering
from muntin.roles.schemas import Role, RoleChange, RoleInput
from muntin.schemas import Page, PageQuery
from muntin.translation import _

SORTABLE = ("id", "name", "slug", "created_at", "updated_at")


@guarded("admin.roles.list")
async def list_roles(actor: Actor, query: PageQuery) -> Page[Role]:
    """Roles by name; `search` looks into names."""
    rows = RoleRow.filter(Q(name__icontains=query.search) | Q(slug__icontains=query.search))
    total = await rows.count()
    found = await rows.order_by(*query.order(SORTABLE, default="name")).offset(query.offset).limit(query.per_page)
    counts = await _user_counts(row.id for row in found)
    return Page.of([Role.of(row, counts.get(row.id, 0)) for row in found], total, query)


@guarded("admin.roles.list")
async def load_role(actor: Actor, role_id: int) -> Role:
    """One role."""
    return await _shown(await find_role(role_id))


@guarded("admin.roles.create")
async def create_role(actor: Actor, role: RoleInput) -> Role:
    """Make a role of permissions the actor holds.

    Raises:
        InvalidInput: A permission that no plugin declares.
        RoleExists: The short name is taken.
        Forbidden: The role would hold more than the actor.
    """
    refuse_unknown_keys(role.permissions)
    _refuse_raising(actor, role.permissions, role.rate_limit_multiplier)
    slug = role.slug or slug_of(role.name)
    async with transaction() as events:
        await _refuse_taken(slug)
        row = await _saved(
            RoleRow(
                name=role.name,
                slug=slug,
                description=role.description,
                rate_limit_multiplier=role.rate_limit_multiplier,
                permissions=sorted(set(role.permissions)),
            )
        )
        events.add(RoleCreated(role_id=row.id, slug=slug, by=actor.account_id))
        await audit.record(events, actor, "role.created", ("role", row.id), role.model_dump())
    return Role.of(row, 0)


@guarded("admin.roles.edit")
async def update_role(actor: Actor, role_id: int, change: RoleChange) -> Role:
    """Change a role; everybody who has it feels it at once.

    Raises:
        SystemRole: The administrators' role, or the short name of a built-in one.
        Forbidden: The role holds, or would hold, more than the actor.
    """
    async with transaction() as events:
        row = await find_role(role_id, lock=True)
        _refuse_higher(actor, row)
        changes = _changes(row, change)
        _refuse_system_change(row, changes)
        if "permissions" in changes:
            refuse_unknown_keys(changes["permissions"], held=row.permissions)
        _refuse_raising(actor, changes.get("permissions", ()), changes.get("rate_limit_multiplier", 0))
        if "slug" in changes:
            await _refuse_taken(changes["slug"])
        await _apply(events, actor, row, changes)
    return await _shown(row)


@guarded("admin.roles.edit")
async def delete_role(actor: Actor, role_id: int) -> None:
    """Remove a role that nobody has.

    Raises:
        SystemRole: It was made with the panel.
        RoleInUse: Accounts have it.
        Conflict: A plugin objects.
    """
    async with transaction() as events:
        row = await find_role(role_id, lock=True)
        if row.is_system:
            raise SystemRole
        _refuse_higher(actor, row)
        if await AccountRow.exists(role_id=row.id):
            raise RoleInUse
        await refuse_objections("role", row.id)
        try:
            await row.delete()
        except IntegrityError as error:  # an account got it just now, or a plugin's rows refer to it
            raise RoleInUse from error
        events.add(RoleDeleted(role_id=role_id, slug=row.slug, by=actor.account_id))
        await audit.record(events, actor, "role.deleted", ("role", role_id), {"slug": row.slug})


async def find_role(role_id: int, *, lock: bool = False) -> RoleRow:
    """The role's row; with `lock`, nobody else changes it until the transaction ends.

    Raises:
        NotFound: There is none.
    """
    rows = RoleRow.select_for_update() if lock else RoleRow.all()
    row = await rows.get_or_none(id=role_id) if 0 < role_id < 2**31 else None
    if row is None:
        raise NotFound
    return row


def slug_of(name: str) -> str:
    """A short name made of a name."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or f"role-{uuid7().hex[-8:]}"


def _changes(row: RoleRow, change: RoleChange) -> dict[str, Any]:
    """The fields that really change; only the description may become nothing."""
    sent = change.model_dump(exclude_unset=True)
    wanted = {name: value for name, value in sent.items() if value is not None or name == "description"}
    if "permissions" in wanted:
        wanted["permissions"] = sorted(set(wanted["permissions"]))
    return {name: value for name, value in wanted.items() if getattr(row, name) != value}


async def _apply(events: Transaction, actor: Actor, row: RoleRow, changes: Mapping[str, Any]) -> None:
    if not changes:
        return
    told = {name: {"from": getattr(row, name), "to": value} for name, value in changes.items()}
    row.update_from_dict(dict(changes))
    await _saved(row)
    await credentials.revoke(events, roles=[row.id])
    events.add(RoleUpdated(role_id=row.id, changed=sorted(changes), by=actor.account_id))
    await audit.record(events, actor, "role.updated", ("role", row.id), told)


async def _saved(row: RoleRow) -> RoleRow:
    try:
        async with transaction():  # a savepoint: PostgreSQL gives up the whole transaction otherwise
            await row.save()
    except IntegrityError as error:
        raise RoleExists(slug=row.slug) from error
    return row


async def _refuse_taken(slug: str) -> None:
    if await RoleRow.exists(slug=slug):
        raise RoleExists(slug=slug)


def _refuse_higher(actor: Actor, row: RoleRow) -> None:
    require_covering(actor, row.grants, _("This role may do more than you."))


def _refuse_raising(actor: Actor, permissions: Iterable[str], multiplier: float) -> None:
    """Nobody gives what they do not have, more requests per minute included."""
    require_covering(actor, Grants(permissions), _("You can only give what you hold yourself."))
    if multiplier > max(1.0, actor.rate_multiplier) and not actor.may("*"):
        raise Forbidden(_("You can only allow as many requests as you may make yourself."))


def _refuse_system_change(row: RoleRow, changes: Mapping[str, Any]) -> None:
    if row.id == ADMIN_ID:
        raise SystemRole
    if row.is_system and "slug" in changes:
        raise SystemRole


async def _shown(row: RoleRow) -> Role:
    return Role.of(row, (await _user_counts([row.id])).get(row.id, 0))


async def _user_counts(role_ids: Iterable[int]) -> dict[int, int]:
    """Accounts per role, without those that were deleted."""
    rows = AccountRow.filter(role_id__in=[*role_ids]).exclude(status="deleted")
    counted = await rows.annotate(users=Count("id")).group_by("role_id").values("role_id", "users")
    return {row["role_id"]: row["users"] for row in counted}
