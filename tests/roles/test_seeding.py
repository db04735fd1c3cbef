"""The built-in roles."""

from __future__ import annotations

from muntin.access import Grants
from muntin.panel import Panel
from muntin.roles.models import USER_ID, RoleRow
from muntin.roles.seeding import seed_roles


async def test_seeding_again_changes_nothing(panel: Panel) -> None:
    before = await RoleRow.all().order_by("id").values()

    await seed_roles()

    assert await RoleRow.all().order_by("id").values() == before


async def test_permission_that_was_taken_away_does_not_come_back(panel: Panel) -> None:
    await RoleRow.filter(id=USER_ID).update(permissions=["account.read"])

    await seed_roles()

    assert (await RoleRow.get(id=USER_ID)).permissions == ["account.read"]


async def test_administrators_role_allows_everything_whatever_is_stored(panel: Panel) -> None:
    await RoleRow.filter(id=1).update(permissions=[])

    assert (await RoleRow.get(id=1)).grants == Grants(("*",))


async def test_user_role_holds_what_plugins_say_everybody_holds(panel: Panel) -> None:
    role = await RoleRow.get(id=USER_ID)

    assert {"account.read", "account.update", "account.api-keys"} <= set(role.permissions)
    assert not any(key.startswith("admin.") for key in role.permissions)
