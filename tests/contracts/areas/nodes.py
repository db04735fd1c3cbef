"""`/admin/nodes`: machines and their addresses."""

from __future__ import annotations

from ..rows import Row, Values
from ..things import a_node, a_server, make_address, make_node, make_server
from ..world import World

PATH, ONE = "/admin/nodes", "/admin/nodes/{id}"
ADDRESSES = f"{ONE}/allocations"
WANTED = {"fqdn": "node.example.test", "memory": 1024, "disk": 1024, "cpu": 400, "location": "Vienna"}
PORTS = {"ip": "192.0.2.1", "ports": ["30000-30002"], "alias": "play.example.test"}


async def a_name(world: World) -> Values:
    """A name no node has."""
    return {"name": f"node {world.number()}"}


async def a_taken_name(world: World) -> Values:
    """The name of a node."""
    return {"name": (await make_node(world)).name}


async def a_node_with_a_server(world: World) -> Values:
    """`id` of the node, `alloc-id` of the address that its server has."""
    server = await make_server(world)
    return {"id": server.node_id, "alloc-id": server.allocation_id}


async def a_free_address(world: World) -> Values:
    """`id` of the node, `alloc-id` of the address."""
    node = await make_node(world)
    return {"id": node.id, "alloc-id": (await make_address(node, 30_000)).id}


async def the_node_of_a_server(world: World) -> Values:
    """A node that has promised something: `id`."""
    return {"id": (await a_server()(world))["node_id"]}


ROWS = [
    Row(f"GET {PATH}", 200, given=the_node_of_a_server),
    Row(f"POST {PATH}", 201, body=lambda it: {**WANTED, "name": it["name"]}, given=a_name),
    Row(f"POST {PATH}", 409, "conflict", lambda it: {**WANTED, "name": it["name"]}, a_taken_name),
    Row(f"GET {ONE}", 200, given=the_node_of_a_server),
    Row(f"PUT {ONE}", 200, body={"description": "In the cellar.", "maintenance_mode": True}, given=a_node()),
    Row(f"DELETE {ONE}", 204, given=a_node()),
    Row(f"DELETE {ONE}", 409, "node_has_servers", given=a_node_with_a_server),
    Row(f"GET {ONE}/configuration", 200, given=a_node()),
    Row(f"POST {ONE}/rotate-token", 200, given=a_node()),
    Row(f"GET {ONE}/stats", 200, given=a_node()),
    Row(f"GET {ONE}/stats", 503, "node_unreachable", given=a_node("away")),
    Row(f"GET {ADDRESSES}", 200, given=a_node_with_a_server),
    Row(f"POST {ADDRESSES}", 201, body=PORTS, given=a_node()),
    Row(f"POST {ADDRESSES}", 409, "conflict", {"ip": "192.0.2.1", "ports": [30_000]}, a_free_address),
    Row(f"DELETE {ADDRESSES}/{{alloc-id}}", 204, given=a_free_address),
    Row(f"DELETE {ADDRESSES}/{{alloc-id}}", 409, "allocation_in_use", given=a_node_with_a_server),
]
