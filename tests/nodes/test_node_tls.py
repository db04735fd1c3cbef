"""Nodes with TLS of the operator's own authority, and nodes that are reached over IPv6."""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from websockets.asyncio.server import ServerConnection, serve

from muntin.app import PanelApp
from muntin.errors import NodeUnreachable, Unavailable
from muntin.nodes.client import call_node, close_client, node_socket
from muntin.nodes.credentials import seal
from muntin.nodes.models import NodeRow
from muntin.nodes.tls import CA_VARIABLE
from muntin.testing.authorities import Authority, make_authority
from muntin.testing.served import served_panel
from muntin.testing.waiting import until
from muntin.trust import trusting


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def server_side(authority: Authority) -> ssl.SSLContext:
    """What a node serves with."""
    return authority.serving()


@pytest.fixture
async def trusted(app: PanelApp, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """The panel knows the authority."""
    known = app.panel.configuration.model_copy(update={"node_ca_file": authority.file})
    monkeypatch.setattr(app.panel, "configuration", known)
    await close_client()
    yield
    await close_client()


@pytest.fixture(autouse=True)
def fresh_contexts() -> Iterator[None]:
    """Nothing is remembered of the authorities of another test."""
    trusting.cache_clear()
    yield
    trusting.cache_clear()


def node_at(host: str, port: int, scheme: str = "https") -> NodeRow:
    """A node that listens there."""
    return NodeRow(name="secured", fqdn=host, scheme=scheme, daemon_port=port, token=seal("n" * 64))


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
    await writer.drain()
    writer.close()


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_node_of_the_operators_authority_is_believed(server_side: ssl.SSLContext, host: str) -> None:
    async with await asyncio.start_server(_answer, host, 0, ssl=server_side) as server:
        told = await call_node(node_at(host, server.sockets[0].getsockname()[1]), "GET", "/api/system")

    assert told == {}


async def test_node_of_an_unknown_authority_counts_as_unreachable(app: PanelApp, server_side: ssl.SSLContext) -> None:
    await close_client()
    async with await asyncio.start_server(_answer, "127.0.0.1", 0, ssl=server_side) as server:
        node = node_at("127.0.0.1", server.sockets[0].getsockname()[1])
        with pytest.raises(NodeUnreachable):
            await call_node(node, "GET", "/api/system")
        with pytest.raises(NodeUnreachable):
            async with node_socket(node, "/socket"):
                pass


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_socket_to_a_node_is_secured_the_same_way(server_side: ssl.SSLContext, host: str) -> None:
    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with serve(echo, host, 0, ssl=server_side) as server:
        node = node_at(host, next(iter(server.sockets)).getsockname()[1])
        async with node_socket(node, "/socket") as line:
            await line.send("hello")
            told = await line.recv()

    assert told == "hello"


async def test_node_without_tls_is_reached_over_ipv6(app: PanelApp) -> None:
    async with await asyncio.start_server(_answer, "::1", 0) as server:
        told = await call_node(node_at("::1", server.sockets[0].getsockname()[1], "http"), "GET", "/")

    assert told == {}


def test_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("no certificate")

    for path in (tmp_path / "empty.pem", tmp_path / "missing.pem"):
        with pytest.raises(Unavailable, match="MUNTIN_NODE_CA_FILE"):
            trusting(path, CA_VARIABLE)


async def test_panel_and_agent_find_each_other_over_ipv6(tmp_path: Path) -> None:
    ports = [await _free_port() for _index in range(2)]
    environment = {"MUNTIN_BIND": f"[::1]:{ports[0]}", "MUNTIN_PLUGINS": "none"}
    wanted = {"name": "six", "fqdn": "::1", "scheme": "http", "daemon_port": ports[1], "memory": 1, "disk": 1}

    async with served_panel(tmp_path / "panel", environment) as panel:
        made = (await panel.client.post("/api/v1/admin/nodes", json=wanted)).raise_for_status().json()["data"]
        address = f"/api/v1/admin/nodes/{made['id']}"
        configuration = (await panel.client.get(f"{address}/configuration")).json()["data"]
        async with agent(tmp_path / "node", configuration):

            async def is_online() -> bool:
                await asyncio.sleep(0.5)  # less often than the API allows
                return bool((await panel.client.get(address)).json()["data"]["status"] == "online")

            await until(is_online, timeout_s=60)
            stats = await panel.client.get(f"{address}/stats")

    assert configuration["remote"] == f"http://[::1]:{ports[0]}"
    assert (stats.status_code, stats.json()["data"]["memory"]["total"] > 0) == (200, True)


@asynccontextmanager
async def agent(folder: Path, configuration: dict[str, Any]) -> AsyncIterator[None]:
    """An agent in a process of its own."""
    command = ("-m", "muntin_node.cli", "run", "--config", _configured(folder, configuration))
    process = await asyncio.create_subprocess_exec(sys.executable, *command)
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


def _configured(folder: Path, configuration: dict[str, Any]) -> str:
    """The file of an agent without halves that keeps everything in the folder."""
    own = {f"{name}_directory": str(folder / name) for name in ("root", "log", "tmp", "archive", "backup")}
    values = {
        **configuration,
        "system": {**configuration["system"], **own, "data": str(folder / "data")},
        "muntin": {"halves": []},
    }
    folder.mkdir()
    (folder / "config.yml").write_text(yaml.safe_dump(values))
    return str(folder / "config.yml")


async def _free_port() -> int:
    async with await asyncio.start_server(lambda _reader, writer: writer.close(), "::1", 0) as server:
        return int(server.sockets[0].getsockname()[1])
