"""What a websocket costs the panel whose handler is slower than its client."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from quart import Quart, websocket

from muntin import answering
from muntin.answering import MESSAGES_AHEAD, Conversation
from muntin.testing.waiting import until

SCOPE = {
    "type": "websocket", "path": "/", "query_string": b"", "scheme": "ws", "headers": [], "subprotocols": [],
    "http_version": "1.1", "root_path": "", "extensions": {},
}  # fmt: skip


class Client:
    """Sends as many messages as are taken."""

    def __init__(self) -> None:
        self.taken = 0
        self.events: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        await asyncio.sleep(0)
        self.taken += 1
        return {"type": "websocket.receive", "text": "x", "bytes": None}

    async def send(self, event: dict[str, Any]) -> None:
        self.events.append(event)


def app(read: asyncio.Event) -> Quart:
    """Accepts, waits until it is told to read, and reads two hundred messages."""
    made = Quart("sockets")

    @made.websocket("/")
    async def serve() -> None:
        await websocket.accept()
        await read.wait()
        for _index in range(200):
            await websocket.receive()

    return made


async def test_messages_wait_on_the_wire_while_the_handler_is_busy() -> None:
    client, read = Client(), asyncio.Event()
    serving = asyncio.create_task(Conversation(app(read), SCOPE)(client.receive, client.send))  # type: ignore[arg-type]

    await until(lambda: client.taken > MESSAGES_AHEAD)
    for _index in range(500):
        await asyncio.sleep(0)
    taken = client.taken
    read.set()
    await serving

    assert taken == MESSAGES_AHEAD + 1
    assert client.taken <= 200 + MESSAGES_AHEAD + 1
    assert [event["type"] for event in client.events] == ["websocket.accept", "websocket.close"]


async def test_socket_whose_handler_never_reads_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "STALLED_S", 0.05)
    client = Client()

    async with asyncio.timeout(20):
        await Conversation(app(asyncio.Event()), SCOPE)(client.receive, client.send)  # type: ignore[arg-type]

    assert client.taken == MESSAGES_AHEAD + 1
