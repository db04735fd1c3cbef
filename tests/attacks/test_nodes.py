"""Nodes are machines that strangers may have taken: what they say and hold costs nobody else anything."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from quart.testing.connections import WebsocketDisconnectError

from muntin.app import PanelApp
from muntin.nodes.models import NodeRow
from muntin.testing.callers import Caller, People
from muntin.testing.waiting import until

HEALTH = {"version": "9.9.9", "halves": []}
NONSENSE: tuple[Any, ...] = (
    b"\xff\xfe", "", "null", "[]", "{", '{"topic": 1}', '{"topic": "health"}', '{"topic": "health", "data": []}',
    '{"topic": "health", "data": {"version": {"a": 1}, "halves": 5, "used": []}}',
    '{"topic": "health", "data": {"version": "\\u0000", "halves": [{"name": "\\u0000", "error": "\\u0000"}]}}',
    '{"topic": "", "data": 1}', '{"topic": "a b", "data": 1}', '{"topic": "a\\nb", "data": 1}',
    json.dumps({"topic": "x" * 500, "data": 1}), json.dumps({"topic": "*", "data": "\0"}), "[" * 5000, "x" * 300_000,
)  # fmt: skip


@pytest.fixture
async def node(admin: Caller) -> dict[str, Any]:
    """A node and its credential."""
    number = await NodeRow.all().count()
    wanted = {"name": f"node {number}", "fqdn": "127.0.0.1", "scheme": "http", "memory": 1, "disk": 1}
    data: dict[str, Any] = (await admin.post("/api/v1/admin/nodes", wanted)).data
    return data


def bearer(node: dict[str, Any]) -> dict[str, str]:
    """The header by which the node shows who it is."""
    return {"Authorization": f"Bearer {node['daemon_token_id']}.{node['daemon_token']}"}


async def _enters(people: People, node: dict[str, Any]) -> bool:
    """Whether the credential is taken; the one-time token is wrong in any case."""
    caller = people.bearer(bearer(node)["Authorization"].removeprefix("Bearer "))
    return (await caller.post("/api/node/enrol", {"token": "wrong"})).status == 404


async def _has_reported(node_id: str) -> bool:
    return (await NodeRow.get(id=node_id)).daemon_version == HEALTH["version"]


@asynccontextmanager
async def saying(body: bytes) -> AsyncIterator[int]:
    """A machine that answers every request with these bytes; the port it listens on."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def test_nonsense_on_the_line_of_a_node_is_passed_over(
    app: PanelApp, node: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []
    app.panel.bus.subscribe("node.*", lambda topic, _data: heard.append(topic))
    async with app.test_client().websocket("/api/node/bus", headers=bearer(node)) as line:
        for frame in NONSENSE:
            await line.send(frame)
        await line.send(json.dumps({"topic": "health", "data": HEALTH}))
        await line.send(json.dumps({"topic": "gameservers.usage", "data": {}}))
        await until(lambda: f"node.{node['id']}.gameservers.usage" in heard)

    row = await NodeRow.get(id=node["id"])
    assert row.daemon_version == "9.9.9"
    assert all(topic.startswith(f"node.{node['id']}.") for topic in heard)
    assert [one.message for one in caplog.records if one.levelname == "ERROR"] == []


async def test_old_credential_holds_until_the_node_has_the_new_one(
    app: PanelApp, admin: Caller, people: People, node: dict[str, Any]
) -> None:
    renewed = (await admin.post(f"/api/v1/admin/nodes/{node['id']}/rotate-token")).data
    async with app.test_client().websocket("/api/node/bus", headers=bearer(node)) as line:
        await line.send(json.dumps({"topic": "health", "data": HEALTH}))
        await until(lambda: _has_reported(node["id"]))
    still = await _enters(people, node)
    first_with_new = await _enters(people, renewed)

    assert (still, first_with_new, await _enters(people, node)) == (True, True, False)


async def test_line_of_a_node_ends_when_the_node_is_removed(app: PanelApp, admin: Caller, node: dict[str, Any]) -> None:
    async with app.test_client().websocket("/api/node/bus", headers=bearer(node)) as line:
        await line.send(json.dumps({"topic": "health", "data": HEALTH}))
        await until(lambda: _has_reported(node["id"]))
        assert (await admin.delete(f"/api/v1/admin/nodes/{node['id']}")).status == 204
        with pytest.raises(WebsocketDisconnectError):
            async with asyncio.timeout(20):
                while True:
                    await line.receive()


@pytest.mark.parametrize(
    "said", [b"<html>", b"[]", b"5", b'{"cpu_percent": "a", "memory_total": []}', b"null", b"\xff"]
)
async def test_figures_that_are_nonsense_are_the_nodes_fault(admin: Caller, node: dict[str, Any], said: bytes) -> None:
    async with saying(said) as port:
        await NodeRow.filter(id=node["id"]).update(daemon_port=port, report={"used": {"uptime_s": "x", "network": 5}})
        answer = await admin.get(f"/api/v1/admin/nodes/{node['id']}/stats")

    assert (answer.status, answer.code) == (502, "node_error")


async def test_address_of_a_node_names_no_zone(admin: Caller) -> None:
    for address in ("fe80::1%\0", "fe80::1%25]@evil.test/", "fe80::1%" + "a" * 300, "::1%eth0"):
        wanted = {"name": "zoned", "fqdn": address, "memory": 1, "disk": 1}
        answer = await admin.post("/api/v1/admin/nodes", wanted)
        assert (answer.status, list(answer.body["error"]["details"])) == (422, ["fqdn"]), address
