"""Browsers without a browser: a cookie, the proof of the page before, and forms; rows from the panel's own tests."""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from muntin.app import PanelApp
from muntin.nodes.credentials import seal
from muntin.nodes.models import NodeRow
from muntin.panel import Panel
from muntin.roles.models import ADMIN_ID, MODERATOR_ID
from muntin.testing.callers import People
from muntin.testing.visitors import Shown, Visitor, visitor
from muntin_gameservers.eggs.reading import read_egg
from muntin_gameservers.models import AllocationRow, EggRow, NestRow, ServerRow, SubuserRow
from muntin_gameservers.nests.stored import columns_of

__all__ = ["Shown", "Visitor", "visitor"]
VARIABLES = (
    {"name": "Slots", "env_variable": "SLOTS", "default_value": "8", "user_viewable": True, "user_editable": True,
     "rules": "required|integer|between:1,64", "field_type": "text", "description": "Players at once."},
    {"name": "Map", "env_variable": "MAP", "default_value": "dm1", "user_viewable": True, "user_editable": False,
     "rules": "required|string", "field_type": "text", "description": ""},
    {"name": "Night", "env_variable": "NIGHT", "default_value": "1", "user_viewable": True, "user_editable": True,
     "rules": "required|in:0,1", "field_type": "text", "description": ""},
    {"name": "Key", "env_variable": "LICENCE", "default_value": "abc", "user_viewable": False, "user_editable": True,
     "rules": "nullable|string", "field_type": "text", "description": ""},
)  # fmt: skip
ENVIRONMENT = {"SLOTS": "8", "MAP": "dm1", "NIGHT": "1", "LICENCE": "abc"}


def document(name: str, **changes: Any) -> dict[str, Any]:
    """An egg file of the format PTDL_v2, parsed."""
    config = {"files": "{}", "startup": json.dumps({"done": "listening"}), "logs": "{}", "stop": "quit"}
    script = {"script": "#!/bin/sh\ntrue\n", "container": "example.test/sh", "entrypoint": "sh"}
    return {
        "meta": {"version": "PTDL_v2", "update_url": None},
        "exported_at": "2024-01-02T03:04:05+00:00",
        "name": name,
        "author": "eggs@example.test",
        "description": "Repeats what it hears.",
        "features": ["eula"],
        "docker_images": {"Two": "example.test/echo:2", "One": "example.test/echo:1"},
        "file_denylist": [],
        "startup": "./echo -p {{SERVER_PORT}} -s {{SLOTS}}",
        "config": config,
        "scripts": {"installation": script},
        "variables": [dict(one) for one in VARIABLES],
        "x_unknown": {"kept": [1, None]},
    } | changes


class Made:
    """Makes rows, each with names and numbers of its own."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    async def node(self, **values: Any) -> NodeRow:
        """A node with 16 GiB of memory that nobody listens for."""
        given = {"fqdn": "127.0.0.1", "scheme": "http", "daemon_port": 9, "memory_mib": 16384, "disk_mib": 100_000}
        name = f"node {next(self._numbers)}"
        return await NodeRow.create(
            **{**given, "name": name, "token_id": secrets.token_hex(8), "token": seal("t" * 64), **values}
        )

    async def nest(self) -> NestRow:
        """An empty nest."""
        return await NestRow.create(name=f"nest {next(self._numbers)}", author="tests")

    async def egg(self, nest: NestRow | None = None, **changes: Any) -> EggRow:
        """An egg as if imported from `document`."""
        nest = nest or await self.nest()
        data = json.dumps(document(f"egg {next(self._numbers)}", **changes)).encode()
        return await EggRow.create(nest_id=nest.id, **columns_of(read_egg(data)))

    async def port(self, node: NodeRow, server: ServerRow | None = None, **values: Any) -> AllocationRow:
        """An address of the node, free or given to the server."""
        given = {"ip": "192.0.2.1", "port": 20_000 + next(self._numbers), "server_id": server.id if server else None}
        return await AllocationRow.create(node_id=node.id, **{**given, **values})

    async def server(self, owner_id: UUID, **values: Any) -> ServerRow:
        """A server that is installed, with a primary address."""
        node = values.pop("node", None) or await self.node()
        egg = values.pop("egg", None) or await self.egg()
        given = {
            "name": f"server {next(self._numbers)}",
            "memory_mib": 512,
            "disk_mib": 1024,
            "image": "example.test/echo:2",
            "startup": "./echo -p {{SERVER_PORT}} -s {{SLOTS}}",
            "environment": dict(ENVIRONMENT),
            "stage": "ready",
        }
        row = await ServerRow.create(
            short_id=secrets.token_hex(4), owner_id=owner_id, node_id=node.id, egg_id=egg.id, **{**given, **values}
        )
        row.allocation_id = (await self.port(node, row)).id
        await row.save()
        return row

    async def share(self, server: ServerRow, visitor: Visitor, *permissions: str) -> None:
        """Let somebody do these things with a server."""
        await SubuserRow.create(server_id=server.id, account_id=visitor.account_id, permissions=list(permissions))


@pytest.fixture(scope="session")
def panel_plugins() -> Sequence[str]:
    """Only game servers."""
    return ("gameservers",)


@pytest.fixture(scope="module")
def made(panel: Panel) -> Made:
    """Makes rows."""
    return Made()


@pytest.fixture(scope="module")
async def boss(people: People, app: PanelApp) -> Visitor:
    """An administrator with a browser."""
    return await visitor(people, app, "boss", ADMIN_ID)


@pytest.fixture(scope="module")
async def moderator(people: People, app: PanelApp) -> Visitor:
    """A moderator with a browser: sees all servers, changes none."""
    return await visitor(people, app, "warden", MODERATOR_ID)


@pytest.fixture(scope="module")
async def owner(people: People, app: PanelApp) -> Visitor:
    """A plain account with a browser, whose servers the tests make."""
    return await visitor(people, app, "owner")


@pytest.fixture(scope="module")
async def friend(people: People, app: PanelApp) -> Visitor:
    """Another plain account, with whom servers are shared."""
    return await visitor(people, app, "friend")


@pytest.fixture(scope="module")
async def other(people: People, app: PanelApp) -> Visitor:
    """A plain account that has nothing to do with any server."""
    return await visitor(people, app, "other")


@pytest.fixture(scope="module")
def nobody(app: PanelApp) -> Visitor:
    """A browser of a stranger."""
    return Visitor(app)
