"""`/admin/roles`."""

from __future__ import annotations

from muntin.roles.models import ADMIN_ID

from ..rows import Row, Values
from ..things import a_role
from ..world import World

PATH, ONE = "/admin/roles", "/admin/roles/{id}"
WANTED = {"name": "Helpers", "permissions": ["admin.users.list"], "rate_limit_multiplier": 1.5}


async def the_administrators(world: World) -> Values:
    """The role that stays as it is: `id`."""
    return {"id": ADMIN_ID}


async def a_role_in_use(world: World) -> Values:
    """A role that somebody has: `id`."""
    it = await a_role(world)
    await world.somebody(role_id=it["id"])
    return it


async def a_slug(world: World) -> Values:
    """A short name nobody has."""
    return {"slug": f"helpers-{world.number()}"}


ROWS = [
    Row(f"GET {PATH}", 200),
    Row(f"POST {PATH}", 201, body=lambda it: {**WANTED, "slug": it["slug"]}, given=a_slug),
    Row(f"POST {PATH}", 409, "conflict", lambda it: {**WANTED, "slug": it["slug"]}, a_role),
    Row(f"GET {ONE}", 200, given=a_role),
    Row(f"PUT {ONE}", 200, body={"description": "They help."}, given=a_role),
    Row(f"PUT {ONE}", 409, "system_role", {"name": "Kings"}, the_administrators),
    Row(f"DELETE {ONE}", 204, given=a_role),
    Row(f"DELETE {ONE}", 409, "system_role", given=the_administrators),
    Row(f"DELETE {ONE}", 409, "role_in_use", given=a_role_in_use),
]
