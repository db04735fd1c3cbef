"""The three roles every panel has, and what plugins want them to hold from the start."""

from __future__ import annotations

from muntin.access import Permission
from muntin.database import database_dialect, fetch_all, transaction
from muntin.roles.models import ADMIN_ID, MODERATOR_ID, USER_ID, OfferedPermissionRow, RoleRow
from muntin.runtime import panel
from muntin.translation import _

_BUILT_IN = (
    (ADMIN_ID, "Admin", "admin", _("Everything; cannot be restricted.")),
    (MODERATOR_ID, "Moderator", "moderator", _("Helps people and looks after their servers.")),
    (USER_ID, "User", "user", _("What everybody has who registers.")),
)
# Ids were given by hand; PostgreSQL's counter has to learn of them.
_COUNT_ON = "SELECT setval(pg_get_serial_sequence('core_role', 'id'), (SELECT MAX(id) FROM core_role))"


async def seed_roles() -> None:
    """Make the built-in roles, and give them what plugins want them to hold; twice changes nothing more.

    Called after migrating, so a plugin's permissions are offered when it is first loaded; one that an administrator
    took away later does not come back.
    """
    known = {owned.value.key: owned.value for owned in panel().registry.known(Permission)}
    async with transaction():
        for role_id, name, slug, description in _BUILT_IN:
            await _make(role_id, name, slug, description)
        await _offer(known)


async def _make(role_id: int, name: str, slug: str, description: str) -> None:
    if await RoleRow.exists(id=role_id):
        return
    held = ["*"] if role_id == ADMIN_ID else []
    await RoleRow.create(id=role_id, name=name, slug=slug, description=description, permissions=held)
    if database_dialect() == "postgres":
        await fetch_all(_COUNT_ON)


async def _offer(permissions: dict[str, Permission]) -> None:
    offered = {str(key) for key in await OfferedPermissionRow.all().values_list("key", flat=True)}
    fresh = [permission for key, permission in permissions.items() if key not in offered]
    if not fresh:
        return
    for role in await RoleRow.filter(id__in=(MODERATOR_ID, USER_ID)):
        wanted = {permission.key for permission in fresh if role.slug in permission.held_by}
        role.permissions = sorted({*role.permissions, *wanted})
        await role.save(update_fields=["permissions", "updated_at"])
    await OfferedPermissionRow.bulk_create([OfferedPermissionRow(key=permission.key) for permission in fresh])
