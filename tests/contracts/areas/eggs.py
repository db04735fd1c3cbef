"""`/admin/nests` and `/admin/eggs`."""

from __future__ import annotations

from ..rows import Row, Values
from ..things import EGG, a_nest, an_egg, make_egg, make_nest, make_server
from ..world import World

NESTS, NEST, EGGS, ONE = "/admin/nests", "/admin/nests/{id}", "/admin/eggs", "/admin/eggs/{id}"
WANTED = {"name": "Echo", "docker_images": {"One": "a:1"}, "startup": "./echo", "author": "eggs@example.test"}


async def a_name(world: World) -> Values:
    """A name no nest has."""
    return {"name": f"nest {world.number()}"}


async def a_nest_with_an_egg(world: World) -> Values:
    """`id` of the nest."""
    nest = await make_nest()
    await make_egg(nest)
    return {"id": nest.id}


async def an_egg_in_use(world: World) -> Values:
    """`id` of an egg that a server runs."""
    return {"id": (await make_server(world)).egg_id}


ROWS = [
    Row(f"GET {NESTS}", 200, given=a_nest),
    Row(f"POST {NESTS}", 201, body=lambda it: {"name": it["name"]}, given=a_name),
    Row(f"POST {NESTS}", 409, "conflict", lambda it: {"name": it["name"]}, a_nest),
    Row(f"GET {NEST}", 200, given=a_nest),
    Row(f"PUT {NEST}", 200, body={"description": "All that echoes."}, given=a_nest),
    Row(f"DELETE {NEST}", 204, given=a_nest),
    Row(f"DELETE {NEST}", 409, "nest_in_use", given=a_nest_with_an_egg),
    Row(f"GET {NEST}/eggs", 200, given=a_nest_with_an_egg),
    Row(f"POST {NEST}/eggs", 201, body=WANTED, given=a_nest),
    Row(f"GET {ONE}", 200, given=an_egg),
    Row(f"PUT {ONE}", 200, body={"description": "Repeats what it hears."}, given=an_egg),
    Row(f"DELETE {ONE}", 204, given=an_egg),
    Row(f"DELETE {ONE}", 409, "egg_in_use", given=an_egg_in_use),
    Row(f"GET {ONE}/export", 200, given=an_egg),
    Row(f"POST {EGGS}/import", 201, body=lambda it: {"nest_id": it["id"], "egg": EGG}, given=a_nest),
    Row(f"POST {EGGS}/import", 422, "egg_invalid",
        lambda it: {"nest_id": it["id"], "egg": {**EGG, "variables": "none"}}, a_nest),
]  # fmt: skip
