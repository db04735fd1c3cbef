"""A panel with game servers, and what tests of its panel half are made of."""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from muntin.nodes.models import NodeRow
from muntin.panel import Panel
from muntin_gameservers.eggs.reading import read_egg
from muntin_gameservers.models import AllocationRow, EggRow, NestRow, ServerRow
from muntin_gameservers.nests.stored import columns_of

VARIABLES = (
    {"name": "Slots", "env_variable": "SLOTS", "default_value": "8", "user_viewable": True, "user_editable": True,
     "rules": "required|integer|between:1,64", "field_type": "text", "description": "Players at once."},
    {"name": "Map", "env_variable": "MAP", "default_value": "dm1", "user_viewable": True, "user_editable": False,
     "rules": "required|string", "field_type": "text", "description": ""},
    {"name": "Key", "env_variable": "LICENCE", "default_value": "abc", "user_viewable": False, "user_editable": True,
     "rules": "nullable|string", "field_type": "text", "description": ""},
)  # fmt: skip


def document(name: str = "Echo", **changes: Any) -> dict[str, Any]:
    """An egg file of the format PTDL_v2, parsed."""
    return {
        "_comment": "Written by hand.",
        "meta": {"version": "PTDL_v2", "update_url": "https://eggs.example.test/echo.json"},
        "exported_at": "2024-01-02T03:04:05+00:00",
        "name": name,
        "author": "eggs@example.test",
        "description": "Repeats what it hears.",
        "features": ["eula"],
        "docker_images": {"Two": "example.test/echo:2", "One": "example.test/echo:1"},
        "file_denylist": ["secret.txt"],
        "startup": "./echo -p {{SERVER_PORT}} -s {{SLOTS}} -k {{LICENCE}}",
        "config": {
            "files": json.dumps(
                {"echo.cfg": {"parser": "file", "find": {"port": "port {{server.build.default.port}}"}}}
            ),
            "startup": json.dumps({"done": "listening", "strip_ansi": True}),
            "logs": "{}",
            "stop": "quit",
        },
        "scripts": {
            "installation": {"script": "#!/bin/sh\ntrue\n", "container": "example.test/sh", "entrypoint": "sh"}
        },
        "variables": [dict(one) for one in VARIABLES],
        "x_unknown": {"kept": [1, 2.5, None]},
    } | changes


class Made:
    """Makes rows, each with names and numbers of its own."""

    document = staticmethod(document)

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    async def node(self, **values: Any) -> NodeRow:
        """A node with 16 GiB of memory."""
        number = next(self._numbers)
        given = {
            "fqdn": "node.example.test",
            "memory_mib": 16384,
            "disk_mib": 100_000,
            "token_id": secrets.token_hex(8),
        }
        return await NodeRow.create(**{**given, "name": f"node {number}", "token": "", **values})

    async def nest(self, name: str = "") -> NestRow:
        """An empty nest."""
        return await NestRow.create(name=name or f"nest {next(self._numbers)}", author="tests")

    async def egg(self, nest: NestRow | None = None, name: str = "", **changes: Any) -> EggRow:
        """An egg as if imported from `document`."""
        nest = nest or await self.nest()
        data = json.dumps(document(name or f"egg {next(self._numbers)}", **changes)).encode()
        return await EggRow.create(nest_id=nest.id, **columns_of(read_egg(data)))

    async def allocation(self, node: NodeRow, server: ServerRow | None = None, **values: Any) -> AllocationRow:
        """An address of the node, free or given to the server."""
        given = {"ip": "192.0.2.1", "port": 20_000 + next(self._numbers), "server_id": server.id if server else None}
        return await AllocationRow.create(node_id=node.id, **{**given, **values})

    async def server(
        self, owner_id: UUID, node: NodeRow | None = None, egg: EggRow | None = None, **values: Any
    ) -> ServerRow:
        """A server that is installed, with a primary address."""
        node, egg = node or await self.node(), egg or await self.egg()
        given = {
            "name": f"server {next(self._numbers)}",
            "memory_mib": 512,
            "disk_mib": 1024,
            "cpu_percent": 50,
            "image": "example.test/echo:2",
            "startup": "./echo -p {{SERVER_PORT}} -s {{SLOTS}} -k {{LICENCE}}",
            "environment": {"SLOTS": "8", "MAP": "dm1", "LICENCE": "abc"},
            "stage": "ready",
        }
        row = await ServerRow.create(
            short_id=secrets.token_hex(4), owner_id=owner_id, node_id=node.id, egg_id=egg.id, **{**given, **values}
        )
        row.allocation_id = (await self.allocation(node, row)).id
        await row.save()
        return row


@pytest.fixture(scope="session")
def panel_plugins() -> Sequence[str]:
    """Only game servers."""
    return ("gameservers",)


@pytest.fixture(scope="module")
def made(panel: Panel) -> Made:
    """Makes rows."""
    return Made()
