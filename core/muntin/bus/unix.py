"""The bus over the hub's unix socket: the processes of one machine."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Callable
from pathlib import Path

from muntin.bus.hub import MAX_LINE_BYTES, reachable
from muntin.bus.reconnecting import Link, Message, ReconnectingBus

Receive = Callable[[str, bytes], None]


class UnixBus(ReconnectingBus):
    """A peer of the hub at `path`; works without one too, then nobody else hears."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    async def _connect(self) -> Link:
        directory_fd = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            reader, writer = await asyncio.open_unix_connection(
                reachable(self._path, directory_fd), limit=MAX_LINE_BYTES
            )
        finally:
            os.close(directory_fd)
        return _UnixLink(reader, writer, self._receive)


class _UnixLink(Link):
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, receive: Receive) -> None:
        super().__init__()
        self._writer = writer
        self._numbers = itertools.count()
        self._echoes: dict[bytes, asyncio.Future[None]] = {}
        self._task = asyncio.create_task(self._read(reader, receive), name="muntin-bus-reader")

    async def send(self, messages: list[Message]) -> None:
        self._writer.writelines(f"p {message.topic} {message.text}\n".encode() for message in messages)
        await self._writer.drain()

    async def check(self) -> None:
        number = str(next(self._numbers)).encode()
        echo = self._echoes[number] = asyncio.get_running_loop().create_future()
        self._writer.write(b"f " + number + b"\n")
        try:
            await echo
        finally:
            self._echoes.pop(number, None)

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._writer.close()

    def want(self, pattern: str) -> None:
        self._writer.write(f"s {pattern}\n".encode())

    def want_no_longer(self, pattern: str) -> None:
        self._writer.write(f"u {pattern}\n".encode())

    async def _read(self, reader: asyncio.StreamReader, receive: Receive) -> None:
        try:
            while line := await reader.readline():
                verb, _, rest = line.rstrip(b"\n").partition(b" ")
                if verb == b"p":
                    topic, _, text = rest.partition(b" ")
                    receive(topic.decode(), text)
                elif verb == b"f" and (echo := self._echoes.get(rest)) and not echo.done():
                    echo.set_result(None)
        except (OSError, ValueError):
            pass  # ValueError: a line beyond the limit; either way the link is over
        finally:
            self.broken.set()
            for echo in self._echoes.values():
                if not echo.done():
                    echo.set_exception(ConnectionResetError("the hub hung up"))
