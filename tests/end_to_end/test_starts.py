"""Starts that cannot succeed: the reason is told, a later try works, and nothing is left behind."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import docker
import pytest

from .hosting import HOST, NOTHING, Host, shell_egg
from .programs import Program, until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]
ENGINE = "/var/run/docker.sock"


async def fails_to_start(host: Host, server: dict[str, Any]) -> str:
    """Try to start a server that cannot be; why, as the panel tells it."""
    await host.power(server["id"], "start")
    await until(lambda: _has_ended(host, server["id"]), every_s=0.3, what="the failed start")
    await host.reaches(server["id"], "offline")
    assert host.containers(server["id"]) == []
    return host.last_exit(server["id"])[1]


def _has_ended(host: Host, server_id: str) -> bool:
    return host.has_last_exit(server_id)


@contextmanager
def taken(port: int) -> Iterator[None]:
    """Another program listens on the port."""
    with socket.create_server((HOST, port)), socket.socket(type=socket.SOCK_DGRAM) as datagram:
        datagram.bind((HOST, port))
        yield


async def test_port_taken_by_another_program_is_named_and_a_later_start_works(host: Host, busybox: str) -> None:
    egg = await host.import_egg(shell_egg("Port", busybox), "application/json")
    server = await host.create("Port", egg)

    with taken(server["allocation"]["port"]):
        reason = await fails_to_start(host, server)
    await host.power(server["id"], "start")
    await host.reaches(server["id"], "running")

    assert "address already in use" in reason
    await host.api.delete(f"/admin/servers/{server['id']}")
    assert await host.leaves(server) == NOTHING


async def test_missing_image_is_named_and_a_later_start_works(host: Host, busybox: str) -> None:
    missing = "muntin-tests/not-there-either:1"
    egg = await host.import_egg(shell_egg("Image", busybox, run_image=missing), "application/json")
    server = await host.create("Image", egg)

    reason = await fails_to_start(host, server)
    host.engine.tag(busybox, missing)
    try:
        await host.power(server["id"], "start")
        await host.reaches(server["id"], "running")
    finally:
        await host.api.delete(f"/admin/servers/{server['id']}")
        host.engine.remove_image(missing)

    assert reason == f"The image {missing} is not on this node and is never pulled (~)."
    assert await host.leaves(server) == NOTHING


class Door:
    """A socket that leads to the engine while it is open: closing it is the engine going away."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Let calls through."""
        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, self.path)

    async def close(self) -> None:
        """Break every connection and take no more."""
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        self.path.unlink(missing_ok=True)
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        engine_reader, engine_writer = await asyncio.open_unix_connection(ENGINE)
        self._writers |= {writer, engine_writer}
        try:
            await asyncio.gather(self._copy(reader, engine_writer), self._copy(engine_reader, writer))
        finally:
            for one in (writer, engine_writer):
                self._writers.discard(one)
                one.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        except OSError:
            writer.transport.abort()


@asynccontextmanager
async def behind(door: Door, folder: Path, engine: docker.APIClient) -> AsyncIterator[Host]:
    """A panel whose node reaches the engine through a door."""
    await door.open()
    program = Program(folder, {"MUNTIN_LOCAL_NODE": "always", "DOCKER_HOST": f"unix://{door.path}"})
    try:
        async with Host.on(program, engine) as host:
            yield host
    finally:
        await door.close()


async def test_engine_away_is_told_and_servers_go_on_when_it_is_back(
    engine: docker.APIClient, busybox: str, tmp_path: Path
) -> None:
    door = Door(tmp_path / "engine.sock")
    async with behind(door, tmp_path, engine) as host:
        egg = await host.import_egg(shell_egg("Away", busybox), "application/json")
        runs, stands = await host.running("Runs on", egg), await host.create("Stands", egg)

        await door.close()
        refused = await host.api.ask("POST", f"/servers/{stands['id']}/power", {"action": "start"})
        unfinished = await host.order("Too late", egg)
        failed = await host.reaches(unfinished["id"], "install_failed")
        await door.open()
        await until(lambda: _obeys(host, runs["id"]), timeout_s=60, every_s=1.5, what="the console after the absence")
        await host.power(stands["id"], "start")
        await host.reaches(stands["id"], "running")
        await host.api.post(f"/servers/{unfinished['id']}/reinstall", {})
        await host.reaches(unfinished["id"], "offline")

        assert (refused.status_code, refused.json()["error"]["code"]) == (502, "node_error")
        assert "The Docker engine" in refused.json()["error"]["message"]
        assert "The Docker engine" in failed["problem"]
        assert (await host.server(runs["id"]))["status"] == "running"
        for one in (runs, stands, unfinished):
            await host.api.delete(f"/admin/servers/{one['id']}")
            assert await host.leaves(one) == NOTHING


async def _obeys(host: Host, server_id: str) -> bool:
    response = await host.api.ask("POST", f"/servers/{server_id}/command", {"command": "are you there"})
    return response.is_success and any("you said are you there" in line for line in await host.logs(server_id))
