"""The bus over a real Redis (or Valkey); defined where one is installed, since it is an extra."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from muntin.bus import Json, open_bus
from muntin.bus.redis import RedisBus
from muntin.configuration import Configuration

SERVER = shutil.which("redis-server") or shutil.which("valkey-server")
Heard = list[tuple[str, Json]]


async def until(condition: Callable[[], object], *, timeout_s: float = 30.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - conditions of many kinds, none of them an event
            await asyncio.sleep(0.005)


class Server:
    """A server that can be stopped and started again at its port."""

    def __init__(self, program: str, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)

    async def start(self) -> None:
        self.launch()
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    return

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


if SERVER is not None:

    @pytest.fixture
    async def server(tmp_path: Path) -> AsyncIterator[Server]:
        server = Server(str(SERVER), tmp_path)
        await server.start()
        yield server
        server.stop()

    async def test_redis_carries_messages_of_one_installation_and_comes_back_after_a_restart(
        server: Server, tmp_path: Path
    ) -> None:
        url = f"redis://127.0.0.1:{server.port}/0"
        sender = await open_bus(Configuration(redis_url=url, data_dir=tmp_path, _env_file=None))
        reader = await open_bus(Configuration(redis_url=url, data_dir=tmp_path, _env_file=None))
        stranger = RedisBus(url, namespace="another installation")
        await stranger.open()
        by_reader, by_stranger = Heard(), Heard()
        reader.subscribe("console.*", lambda topic, data: by_reader.append((topic, data)))
        stranger.subscribe("*", lambda topic, data: by_stranger.append((topic, data)))
        assert isinstance(sender, RedisBus) and isinstance(reader, RedisBus)

        sender.publish("console.1", "ä" * 100_000)
        sender.publish("other")
        await until(lambda: by_reader)
        server.stop()
        await until(lambda: not sender.connected and not reader.connected)
        await server.start()
        await until(lambda: sender.connected and reader.connected)
        sender.publish("console.2", {"x": None})
        await until(lambda: len(by_reader) == 2)

        assert by_reader == [("console.1", "ä" * 100_000), ("console.2", {"x": None})]
        assert by_stranger == []
        for bus in (sender, reader, stranger):
            await bus.close()
