"""API keys: one's own, and everybody's for administrators."""

from __future__ import annotations

from ..rows import Row, Values
from ..things import a_user
from ..world import World

OWN, ALL = "/account/api-keys", "/admin/api-keys"
WANTED = {"description": "program", "allowed_ips": ["192.0.2.0/24"], "expires_at": "2100-01-01T00:00:00Z"}


async def a_key(world: World) -> Values:
    """Somebody with a key: `key-id`."""
    by = await world.somebody()
    made = await by.post("/api/v1/account/api-keys", {"description": "program"})
    return {"by": by, "key-id": made.data["id"]}


async def somebodys_key(world: World) -> Values:
    """A key of somebody else, for administrators."""
    return {"key-id": (await a_key(world))["key-id"]}


async def all_keys_one_may_have(world: World) -> Values:
    """Somebody with 25 keys."""
    by = await world.somebody()
    for index in range(25):
        await by.post("/api/v1/account/api-keys", {"description": f"program {index}"})
    return {"by": by}


ROWS = [
    Row(f"GET {OWN}", 200, given=a_key),
    Row(f"POST {OWN}", 201, body=WANTED, given=a_user),
    Row(f"POST {OWN}", 409, "limit_reached", WANTED, all_keys_one_may_have),
    Row(f"PUT {OWN}/{{key-id}}", 200, body={"is_active": False}, given=a_key),
    Row(f"DELETE {OWN}/{{key-id}}", 204, given=a_key),
    Row(f"GET {ALL}", 200, given=somebodys_key),
    Row(f"DELETE {ALL}/{{key-id}}", 204, given=somebodys_key),
]
