"""What has to be there before something can be asked: nodes, eggs, servers, accounts."""

from __future__ import annotations

import json
import secrets
from typing import Any

from muntin.nodes.credentials import seal
from muntin.nodes.models import NodeRow
from muntin.roles.models import RoleRow
from muntin.testing.callers import Caller
from muntin_gameservers.eggs.reading import read_egg
from muntin_gameservers.models import AllocationRow, EggRow, NestRow, ServerRow
from muntin_gameservers.nests.stored import columns_of

from .rows import Given, Values
from .world import World

VARIABLES = (
    {"name": "Slots", "env_variable": "SLOTS", "default_value": "8", "user_viewable": True, "user_editable": True,
     "rules": "required|integer", "field_type": "text", "description": "Players at once."},
    {"name": "Map", "env_variable": "MAP", "default_value": "dm1", "user_viewable": True, "user_editable": False,
     "rules": "required|string", "field_type": "text", "description": ""},
)  # fmt: skip
EGG = {
    "meta": {"version": "PTDL_v2"},
    "name": "Plain",
    "author": "tests@example.test",
    "docker_images": {"One": "a:1"},
    "startup": "true",
    "config": {"files": "{}", "startup": "{}", "logs": "{}", "stop": "exit"},
    "scripts": {"installation": {"script": "true", "container": "a:1", "entrypoint": "sh"}},
    "variables": VARIABLES,
}


async def make_node(world: World, answers: str = "yes", **values: Any) -> NodeRow:
    """A node on this machine.

    Args:
        answers: `yes`, `no` or `away`.
    """
    given = {"memory_mib": 1024, "disk_mib": 1024, "fqdn": "127.0.0.1", "scheme": "http"}
    return await NodeRow.create(
        name=secrets.token_hex(6), token_id=secrets.token_hex(8), token=seal("t" * 64),
        daemon_port=world.ports[answers], **{**given, **values},
    )  # fmt: skip


async def make_nest() -> NestRow:
    """An empty nest."""
    return await NestRow.create(name=secrets.token_hex(6), author="tests")


async def make_egg(nest: NestRow | None = None) -> EggRow:
    """An egg with two variables, one of them for its users."""
    nest = nest or await make_nest()
    return await EggRow.create(nest_id=nest.id, **columns_of(read_egg(json.dumps(EGG).encode())))


async def make_address(node: NodeRow, port: int, server: ServerRow | None = None) -> AllocationRow:
    """An address of the node, free or given to the server."""
    return await AllocationRow.create(
        node_id=node.id, ip="192.0.2.1", port=port, server_id=server.id if server else None
    )


async def make_server(
    world: World, owner: Caller | None = None, answers: str = "yes", free: int = 0, **values: Any
) -> ServerRow:
    """A server that is installed, with an address; its node has so many free ones."""
    owner, node, egg = owner or world.boss, await make_node(world, answers), await make_egg()
    given = {
        "name": "server", "memory_mib": 64, "disk_mib": 64, "image": "a:1", "startup": "true", "stage": "ready",
        "environment": {"SLOTS": "8", "MAP": "dm1"}, "allocations_limit": 2,
    }  # fmt: skip
    row = await ServerRow.create(
        short_id=secrets.token_hex(4), owner_id=owner.account_id, node_id=node.id, egg_id=egg.id, **{**given, **values}
    )
    row.allocation_id = (await make_address(node, 20_000, row)).id
    await row.save()
    for index in range(free):
        await make_address(node, 20_001 + index)
    return row


def a_server(answers: str = "yes", free: int = 0, **values: Any) -> Given:
    """A server of the administrator's: `id`."""

    async def given(world: World) -> Values:
        server = await make_server(world, None, answers, free, **values)
        return {"id": server.id, "node_id": server.node_id}

    return given


def an_own_server(**values: Any) -> Given:
    """A server of somebody who asks for it: `id`."""

    async def given(world: World) -> Values:
        owner = await world.somebody()
        return {"id": (await make_server(world, owner, **values)).id, "by": owner}

    return given


def a_node(answers: str = "yes") -> Given:
    """A node: `id`."""

    async def given(world: World) -> Values:
        return {"id": (await make_node(world, answers)).id}

    return given


def an_account(**values: Any) -> Given:
    """An account: `id` and its `email`."""

    async def given(world: World) -> Values:
        row = await world.people.add(f"account{world.number()}", **values)
        return {"id": row.id, "email": row.email, "username": row.username}

    return given


async def a_role(world: World) -> Values:
    """A role that nobody has: `id` and its `slug`."""
    row = await RoleRow.create(name=secrets.token_hex(4), slug=secrets.token_hex(4), permissions=[])
    return {"id": row.id, "slug": row.slug}


async def a_nest(world: World) -> Values:
    """An empty nest: `id` and its `name`."""
    row = await make_nest()
    return {"id": row.id, "name": row.name}


async def an_egg(world: World) -> Values:
    """An egg: `id`, and its nest's as `nest`."""
    row = await make_egg()
    return {"id": row.id, "nest": row.nest_id}


async def a_user(world: World) -> Values:
    """Somebody who is signed in and asks."""
    return {"by": await world.somebody()}


async def nobody(world: World) -> Values:
    """Somebody who asks without a token."""
    return {"by": world.stranger()}
