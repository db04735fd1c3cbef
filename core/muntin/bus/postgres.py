"""The bus over PostgreSQL's LISTEN/NOTIFY: processes on any number of machines.

Needs a direct connection (a pooler in transaction mode forgets LISTEN). A notification holds less than 8 kB, so longer
messages travel in parts, which one transaction keeps together and in order.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from muntin.bus.reconnecting import Link, Message, ReconnectingBus

CHANNEL = "muntin_bus"
PART_CHARACTERS = 3500  # a character may take two bytes once more escaped; well below 7 kB


def plain_url(store_url: str) -> str:
    """The store's URL as asyncpg itself reads it: without Tortoise's scheme and options."""
    parts = urlsplit(store_url)
    return urlunsplit(("postgresql", parts.netloc, parts.path, "", ""))


class PostgresBus(ReconnectingBus):
    """A listener on the panel's database, on a connection of its own."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._origin = secrets.token_hex(6)

    async def _connect(self) -> Link:
        try:
            connection = await asyncpg.connect(plain_url(self._url), timeout=5)
            link = _PostgresLink(connection, self._origin, self._receive)
            await link.listen()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            raise ConnectionError(str(error)) from error
        return link


class _PostgresLink(Link):
    def __init__(
        self, connection: asyncpg.Connection[Any], origin: str, receive: Callable[[str, str | bytes], None]
    ) -> None:
        super().__init__()
        self._connection = connection
        self._origin = origin
        self._receive = receive
        self._parts: dict[str, str] = {}  # origin -> what came of its message so far
        self._sent = 0

    async def listen(self) -> None:
        """Hear every notification; the bus sorts out what is wanted."""
        self._connection.add_termination_listener(lambda _connection: self.broken.set())
        await self._connection.add_listener(CHANNEL, self._hear)

    async def send(self, messages: list[Message]) -> None:
        notes = [(note,) for message in messages for note in self._notes(message)]
        try:
            async with self._connection.transaction():
                await self._connection.executemany(f"SELECT pg_notify('{CHANNEL}', $1)", notes)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise ConnectionError(str(error)) from error

    async def check(self) -> None:
        try:
            await self._connection.execute("SELECT 1", timeout=5)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise ConnectionError(str(error)) from error

    async def close(self) -> None:
        if not self._connection.is_closed():
            self._connection.terminate()

    def want(self, pattern: str) -> None:
        """The channel brings everything."""

    def want_no_longer(self, pattern: str) -> None:
        """As `want`."""

    def _notes(self, message: Message) -> list[str]:
        """One note per part. Number and start make each differ: PostgreSQL drops equal notes of one transaction."""
        self._sent += 1
        parts = range(0, len(message.text), PART_CHARACTERS)
        return [self._note(message, start, is_last=start == parts[-1]) for start in parts]

    def _note(self, message: Message, start: int, *, is_last: bool) -> str:
        part = message.text[start : start + PART_CHARACTERS]
        return json.dumps([self._origin, message.topic, self._sent, start, is_last, part])

    def _hear(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        try:
            origin, topic, _number, start, is_last, part = json.loads(str(payload))
        except ValueError:
            return  # somebody else's note on our channel
        if origin == self._origin:
            return
        text = self._parts.pop(origin, "") if start else ""
        if len(text) != start:
            return  # we began to listen in the middle of a message
        if is_last:
            self._receive(topic, text + part)
        else:
            self._parts[origin] = text + part
