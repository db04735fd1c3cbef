"""What stands in the way of using and administering servers, as the contract names it."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from muntin.nodes.credentials import seal
from muntin.nodes.models import NodeRow
from muntin.testing.callers import Answer, Caller
from muntin_gameservers.eggs.reading import read_egg
from muntin_gameservers.models import AllocationRow, EggRow, NestRow, ServerRow
from muntin_gameservers.nests.stored import columns_of

PLAIN = {
    "meta": {"version": "PTDL_v2"},
    "name": "Plain",
    "author": "tests@example.test",
    "docker_images": {"One": "a:1"},
    "startup": "true",
    "config": {"files": "{}", "startup": "{}", "logs": "{}", "stop": "exit"},
    "scripts": {"installation": {"script": "true", "container": "a:1", "entrypoint": "sh"}},
    "variables": [],
}
UNREACHABLE = 1  # a port nobody listens on


async def make_node(port: int = UNREACHABLE, **values: Any) -> NodeRow:
    """A node on this machine."""
    given = {"memory_mib": 1024, "disk_mib": 1024, "fqdn": "127.0.0.1", "scheme": "http", "daemon_port": port}
    return await NodeRow.create(
        name=secrets.token_hex(6), token_id=secrets.token_hex(8), token=seal("t" * 64), **{**given, **values}
    )


async def make_egg() -> EggRow:
    """An egg without variables."""
    nest = await NestRow.create(name=secrets.token_hex(6), author="tests")
    return await EggRow.create(nest_id=nest.id, **columns_of(read_egg(json.dumps(PLAIN).encode())))


async def make_server(owner: Caller, node: NodeRow | None = None, **values: Any) -> ServerRow:
    """A server that is installed, with an address."""
    node, egg = node or await make_node(), await make_egg()
    given = {"name": "server", "memory_mib": 64, "disk_mib": 64, "image": "a:1", "startup": "true", "stage": "ready"}
    row = await ServerRow.create(
        short_id=secrets.token_hex(4), owner_id=owner.account_id, node_id=node.id, egg_id=egg.id, **{**given, **values}
    )
    port = await AllocationRow.create(node_id=node.id, ip="192.0.2.1", port=20_000, server_id=row.id)
    await ServerRow.filter(id=row.id).update(allocation_id=port.id)
    return row


@asynccontextmanager
async def node_saying(status: str) -> AsyncIterator[NodeRow]:
    """A node that answers everything with this status."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 14\r\n\r\n".encode() + b'{"error":"no"}'
        )
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield await make_node(server.sockets[0].getsockname()[1])


def seen(answer: Answer) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status, answer.code


USES = (("POST", "power", {"action": "start"}), ("POST", "command", {"command": "say hello"}))
LOCKS = [{"stage": "installing"}, {"stage": "deleting"}]


@pytest.mark.parametrize(("method", "what", "body"), USES)
@pytest.mark.parametrize("state", LOCKS)
async def test_locked_server_takes_no_orders(
    boss: Caller, method: str, what: str, body: Any, state: dict[str, Any]
) -> None:
    server = await make_server(boss, **state)

    answer = await boss.ask(method, f"/api/v1/servers/{server.id}/{what}", body)

    assert seen(answer) == (409, "server_locked")


@pytest.mark.parametrize(("method", "what", "body"), USES)
async def test_suspended_server_takes_no_orders(boss: Caller, method: str, what: str, body: Any) -> None:
    server = await make_server(boss, is_suspended=True)

    answer = await boss.ask(method, f"/api/v1/servers/{server.id}/{what}", body)

    assert seen(answer) == (409, "server_suspended")


@pytest.mark.parametrize(("method", "what", "body"), [*USES, ("GET", "resources", None)])
async def test_node_that_is_away_is_named_as_the_reason(boss: Caller, method: str, what: str, body: Any) -> None:
    server = await make_server(boss)

    answer = await boss.ask(method, f"/api/v1/servers/{server.id}/{what}", body)

    assert seen(answer) == (503, "node_unreachable")


async def test_command_to_a_stopped_server_is_refused(boss: Caller) -> None:
    async with node_saying("502 Bad Gateway") as node:
        server = await make_server(boss, node)
        answer = await boss.post(f"/api/v1/servers/{server.id}/command", {"command": "say hello"})

    assert seen(answer) == (409, "server_offline")


async def test_server_under_way_is_not_installed_again(boss: Caller) -> None:
    server = await make_server(boss, stage="installing")

    own = await boss.post(f"/api/v1/servers/{server.id}/reinstall")
    admins = await boss.post(f"/api/v1/admin/servers/{server.id}/reinstall")

    assert (seen(own), seen(admins)) == ((409, "server_locked"), (409, "server_locked"))


async def test_server_of_a_node_that_is_away_stays_unless_forced(boss: Caller) -> None:
    server = await make_server(boss)
    address = f"/api/v1/admin/servers/{server.id}"

    refused = await boss.delete(address)
    kept = (await ServerRow.get(id=server.id)).stage
    forced = await boss.delete(f"{address}?force=true")

    assert (seen(refused), kept) == ((503, "node_unreachable"), "ready")
    assert (forced.status, await ServerRow.exists(id=server.id)) == (204, False)


async def test_server_that_is_being_deleted_is_not_deleted_twice(boss: Caller) -> None:
    server = await make_server(boss, stage="deleting")

    assert seen(await boss.delete(f"/api/v1/admin/servers/{server.id}")) == (409, "server_locked")


async def test_server_without_a_place_is_not_made(boss: Caller) -> None:
    egg, node = await make_egg(), await make_node()
    wanted = {"name": "s", "user_id": str(boss.account_id), "egg_id": str(egg.id), "node_id": str(node.id)}
    address = await AllocationRow.create(node_id=node.id, ip="192.0.2.1", port=30_000)

    large = await boss.post("/api/v1/admin/servers", {**wanted, "memory": 4096})
    first = await boss.post("/api/v1/admin/servers", {**wanted, "memory": 64, "external_id": "mine"})
    taken = await boss.post("/api/v1/admin/servers", {**wanted, "memory": 64, "allocation_id": str(address.id)})
    same = await AllocationRow.create(node_id=node.id, ip="192.0.2.1", port=30_001)
    twice = await boss.post("/api/v1/admin/servers", {**wanted, "memory": 64, "external_id": "mine"})

    assert seen(large) == (409, "no_allocation_available")
    assert first.status == 201, first.body
    assert (seen(taken), seen(twice)) == ((409, "conflict"), (409, "conflict"))
    assert (await AllocationRow.get(id=same.id)).server_id is None
    assert await ServerRow.filter(node_id=node.id).count() == 1


async def test_external_id_of_another_server_is_a_conflict(boss: Caller) -> None:
    await make_server(boss, external_id="theirs")
    server = await make_server(boss)

    answer = await boss.put(f"/api/v1/admin/servers/{server.id}", {"external_id": "theirs"})

    assert seen(answer) == (409, "conflict")
    assert (await ServerRow.get(id=server.id)).external_id is None
