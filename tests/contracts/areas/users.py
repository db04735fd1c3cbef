"""`/admin/users`: accounts, as administrators see them."""

from __future__ import annotations

from ..rows import Row, Values
from ..things import an_account, make_server
from ..world import World

PATH, ONE = "/admin/users", "/admin/users/{id}"


async def a_name(world: World) -> Values:
    """A name nobody has."""
    return {"username": f"newcomer{world.number()}"}


async def the_boss(world: World) -> Values:
    """The administrator who asks: `id`."""
    return {"id": world.boss.account_id}


async def an_owner(world: World) -> Values:
    """Somebody who has a server: `id`."""
    owner = await world.somebody()
    await make_server(world, owner)
    return {"id": owner.account_id}


async def two_accounts(world: World) -> Values:
    """An account, and the name of another: `id` and `username`."""
    first, second = await an_account()(world), await an_account()(world)
    return {"id": first["id"], "username": second["username"]}


def newcomer(it: Values) -> Values:
    """A new account."""
    return {"email": f"{it['username']}@example.com", "username": it["username"], "password": "correct horse"}


ROWS = [
    Row(f"GET {PATH}", 200),
    Row(f"POST {PATH}", 201, body=newcomer, given=a_name),
    Row(f"POST {PATH}", 409, "conflict", newcomer, an_account()),
    Row(f"GET {ONE}", 200, given=an_account()),
    Row(f"PUT {ONE}", 200, body={"first_name": "Grace", "status": "suspended"}, given=an_account()),
    Row(f"PUT {ONE}", 409, "conflict", lambda it: {"username": it["username"]}, two_accounts),
    Row(f"POST {ONE}/two-factor/disable", 200, given=an_account()),
    Row(f"DELETE {ONE}", 204, given=an_account()),
    Row(f"DELETE {ONE}", 403, "cannot_delete_self", given=the_boss),
    Row(f"DELETE {ONE}", 409, "user_has_servers", given=an_owner),
]
