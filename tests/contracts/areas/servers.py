"""`/servers`: what owners do with theirs."""

from __future__ import annotations

from muntin_gameservers.models import ServerRow

from ..rows import Row, Values
from ..things import a_server, an_own_server, make_address, make_server
from ..world import World

ONE = "/servers/{id}"
START, SAY = {"action": "start"}, {"command": "say hello"}
POWER, COMMAND = f"POST {ONE}/power", f"POST {ONE}/command"
LOCKED, SUSPENDED = a_server(stage="installing"), a_server(is_suspended=True)
ADDRESSES = f"{ONE}/allocations"


async def a_server_that_was_renamed(world: World) -> Values:
    """A server with something to tell of."""
    it = await a_server()(world)
    await world.boss.put(f"/api/v1/servers/{it['id']}/settings", {"name": "renamed"})
    return it


async def two_addresses(world: World) -> Values:
    """A server whose second address is `alloc-id`."""
    server = await make_server(world)
    node = await server.node
    return {"id": server.id, "alloc-id": (await make_address(node, 20_050, server)).id}


async def the_primary_address(world: World) -> Values:
    """A server whose primary address is `alloc-id`."""
    row: ServerRow = await make_server(world)
    return {"id": row.id, "alloc-id": row.allocation_id}


ROWS = [
    Row("GET /servers", 200, given=a_server()),
    Row(f"GET {ONE}", 200, given=a_server()),
    Row(f"GET {ONE}/resources", 200, given=a_server()),
    Row(f"GET {ONE}/resources", 503, "node_unreachable", given=a_server("away")),
    Row(POWER, 200, body=START, given=a_server()),
    Row(POWER, 409, "server_locked", START, LOCKED),
    Row(POWER, 409, "server_locked", START, a_server(stage="deleting")),
    Row(POWER, 409, "server_suspended", START, SUSPENDED),
    Row(POWER, 503, "node_unreachable", START, a_server("away")),
    Row(COMMAND, 200, body=SAY, given=a_server()),
    Row(COMMAND, 409, "server_offline", SAY, a_server("no")),
    Row(COMMAND, 409, "server_locked", SAY, LOCKED),
    Row(COMMAND, 409, "server_suspended", SAY, SUSPENDED),
    Row(COMMAND, 503, "node_unreachable", SAY, a_server("away")),
    Row(f"GET {ONE}/logs", 200, given=a_server(), query="?lines=10"),
    Row(f"POST {ONE}/ws-ticket", 200, given=a_server()),
    Row(f"GET {ONE}/permissions", 200, given=an_own_server()),
    Row(f"GET {ONE}/activity", 200, given=a_server_that_was_renamed),
    Row(f"PUT {ONE}/settings", 200, body={"name": "Mine"}, given=an_own_server()),
    Row(f"POST {ONE}/reinstall", 200, body={}, given=a_server()),
    Row(f"POST {ONE}/reinstall", 409, "server_locked", {}, LOCKED),
    Row(f"GET {ONE}/startup", 200, given=a_server()),
    Row(f"PUT {ONE}/startup", 200, body={"environment": {"SLOTS": "9"}}, given=a_server()),
    Row(f"PUT {ONE}/startup", 403, "variable_not_editable", {"environment": {"MAP": "dm2"}}, an_own_server()),
    Row(f"GET {ADDRESSES}", 200, given=a_server()),
    Row(f"POST {ADDRESSES}", 201, given=a_server(free=1)),
    Row(f"POST {ADDRESSES}", 409, "limit_reached", given=a_server(free=1, allocations_limit=1)),
    Row(f"POST {ADDRESSES}", 409, "no_allocation_available", given=a_server()),
    Row(f"PUT {ADDRESSES}/{{alloc-id}}", 200, body={"notes": "query port"}, given=two_addresses),
    Row(f"DELETE {ADDRESSES}/{{alloc-id}}", 204, given=two_addresses),
    Row(f"DELETE {ADDRESSES}/{{alloc-id}}", 409, "allocation_primary", given=the_primary_address),
]
