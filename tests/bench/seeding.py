"""A panel's database with many servers in it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

from muntin.configuration import Configuration
from muntin.database import close_database, open_database
from muntin.nodes.models import NodeRow
from muntin.panel import Panel
from muntin.roles.models import RoleRow
from muntin.testing.served import ServedPanel
from muntin_gameservers.models import AllocationRow, EggRow, NestRow, ServerRow

UNLIMITED = 1_000_000.0
"""What the roles' share of requests is multiplied with, so that limits do not end a bench."""


@asynccontextmanager
async def store_of(panel: ServedPanel) -> AsyncIterator[None]:
    """The panel's database, open in this process too."""
    data_dir = Path(panel.environment["MUNTIN_DATA_DIR"])
    url = panel.environment.get("MUNTIN_DATABASE_URL", "")
    configuration = Configuration(data_dir=data_dir, database_url=url)
    await open_database(configuration.store_url, Panel(configuration, process="command").apps)
    try:
        yield
    finally:
        await close_database()


async def lift_limits() -> None:
    """Let everybody ask as often as they like; counts for credentials that are used for the first time afterwards."""
    await RoleRow.all().update(rate_limit_multiplier=UNLIMITED)


async def add_node(name: str = "bench") -> NodeRow:
    """A node nobody ever asks."""
    return await NodeRow.create(
        name=name, fqdn="node.example.test", memory_mib=16_384, disk_mib=1_000_000, token_id=secrets.token_hex(8),
        token="",
    )  # fmt: skip


async def add_servers(owner_id: UUID, node_id: UUID, count: int) -> list[UUID]:
    """That many servers that are installed, each with a port of its own; their ids."""
    nest, _made = await NestRow.get_or_create(name="bench", defaults={"author": "bench"})
    egg, _made = await EggRow.get_or_create(nest_id=nest.id, name="bench", defaults={"definition": {}})
    rows = list(_rows(owner_id, node_id, egg.id, count))
    await ServerRow.bulk_create([server for server, _port in rows], batch_size=500)
    await AllocationRow.bulk_create([port for _server, port in rows], batch_size=500)
    return [server.id for server, _port in rows]


def _rows(owner_id: UUID, node_id: UUID, egg_id: UUID, count: int) -> Iterator[tuple[ServerRow, AllocationRow]]:
    for number in range(count):
        server = ServerRow(
            short_id=secrets.token_hex(4), name=f"server {number:05}", description="One of many.", owner_id=owner_id,
            node_id=node_id, egg_id=egg_id, memory_mib=1024, disk_mib=4096, cpu_percent=100,
            image="example.test/game:1", startup="./game -p {{SERVER_PORT}} -s {{SLOTS}}",
            environment={"SLOTS": "8", "MAP": "dm1", "LICENCE": "abc"}, stage="ready", power="running",
        )  # fmt: skip
        ip = f"198.51.{number // 30_000}.1"
        port = AllocationRow(node_id=node_id, ip=ip, port=20_000 + number % 30_000, server_id=server.id)
        server.allocation_id = port.id
        yield server, port
