"""`/admin/servers`: making, changing and removing anybody's servers."""

from __future__ import annotations

from typing import Any

from ..rows import Row, Values
from ..things import a_server, make_address, make_egg, make_node, make_server
from ..world import World

PATH, ONE = "/admin/servers", "/admin/servers/{id}"


async def a_place(world: World) -> dict[str, object]:
    """What a new server needs, with a node that has a free address."""
    node, egg = await make_node(world), await make_egg()
    await make_address(node, 30_000)
    wanted = {"name": "s", "user_id": str(world.boss.account_id), "egg_id": str(egg.id), "node_id": str(node.id)}
    return {**wanted, "memory": 128, "disk": 64}


async def a_full_node(world: World) -> Values:
    """The same, but larger than the node."""
    return {**await a_place(world), "memory": 4096}


async def a_taken_address(world: World) -> Values:
    """The same, but the address belongs to another server."""
    other = await make_server(world)
    return {**await a_place(world), "node_id": str(other.node_id), "allocation_id": str(other.allocation_id)}


async def a_taken_external_id(world: World) -> Values:
    """A server, and the external id of another."""
    other = await make_server(world, external_id=f"theirs {world.number()}")
    return {"id": (await make_server(world)).id, "external_id": other.external_id}


async def _moving(world: World, answers: str = "yes", **server: Any) -> Values:
    """A server, and where to it could be moved."""
    row, node = await make_server(world, **server), await make_node(world, answers)
    address = await make_address(node, 30_100)
    return {"id": row.id, "body": {"node_id": str(node.id), "allocation_id": str(address.id)}}


async def a_move(world: World) -> Values:
    """A server, and a node with room and a free address."""
    return await _moving(world)


async def a_move_of_what_is_installed(world: World) -> Values:
    """The same, but the server is not installed yet."""
    return await _moving(world, stage="installing")


async def a_move_too_large(world: World) -> Values:
    """The same, but the server is larger than the node."""
    return await _moving(world, memory_mib=4096)


async def a_move_to_nowhere(world: World) -> Values:
    """The same, but the node is away."""
    return await _moving(world, "away")


def the_place(it: Values) -> object:
    """Where the server is to go."""
    return it["body"]


ROWS = [
    Row(f"GET {PATH}", 200, given=a_server()),
    Row(f"POST {PATH}", 201, body=dict, given=a_place),
    Row(f"POST {PATH}", 409, "no_allocation_available", dict, a_full_node),
    Row(f"POST {PATH}", 409, "conflict", dict, a_taken_address),
    Row(f"GET {ONE}", 200, given=a_server()),
    Row(f"PUT {ONE}", 200, body={"memory": 128, "description": "Larger."}, given=a_server()),
    Row(f"PUT {ONE}", 409, "conflict", lambda it: {"external_id": it["external_id"]}, a_taken_external_id),
    Row(f"POST {ONE}/suspend", 200, body={"reason": "Not paid."}, given=a_server()),
    Row(f"POST {ONE}/unsuspend", 200, given=a_server(is_suspended=True)),
    Row(f"POST {ONE}/reinstall", 200, body={}, given=a_server()),
    Row(f"POST {ONE}/reinstall", 409, "server_locked", {}, a_server(stage="installing")),
    Row(f"POST {ONE}/transfer", 200, body=the_place, given=a_move),
    Row(f"POST {ONE}/transfer", 409, "server_locked", the_place, a_move_of_what_is_installed),
    Row(f"POST {ONE}/transfer", 409, "conflict", the_place, a_move_too_large),
    Row(f"POST {ONE}/transfer", 503, "node_unreachable", the_place, a_move_to_nowhere),
    Row(f"DELETE {ONE}", 204, given=a_server()),
    Row(f"DELETE {ONE}", 204, given=a_server("away"), query="?force=true"),
    Row(f"DELETE {ONE}", 409, "server_locked", given=a_server(stage="deleting")),
    Row(f"DELETE {ONE}", 503, "node_unreachable", given=a_server("away")),
]
