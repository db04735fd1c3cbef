"""Sockets and streams that stay open, so that they can be ended: plugin disabled, access revoked, process draining."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from quart import Websocket

from muntin.call import Call

MAX_MESSAGE_BYTES = 256 * 1024
"""No websocket takes a larger message; the agent sends none (`muntin_node.bus.MAX_FRAME_BYTES` is the same)."""
TRY_AGAIN_LATER = 1013  # the same, in a moment
GOING_AWAY = 1012  # service restart: clients come back (RFC 6455 registry)
PLUGIN_GONE = 4404
REVOKED = 4401
FLOOD = 4429


class Socket:
    """One websocket on the panel's side."""

    def __init__(self, connections: Connections, websocket: Websocket) -> None:
        self._connections = connections
        self._websocket = websocket
        self._task: asyncio.Task[Any] | None = None
        self._closing: tuple[int, str] | None = None
        self._closed = False
        self.accepted = False
        self.call: Call | None = None

    async def accept(self) -> None:
        """Answer the handshake; until then, errors are HTTP answers.

        A handler calls this before it waits for anything, or the client times out.
        """
        if not self.accepted:
            self.accepted = True
            await self._websocket.accept()

    async def receive(self) -> str | bytes:
        """The next message; raises `asyncio.CancelledError` when the client is gone."""
        return await self._websocket.receive()

    async def send(self, message: str | bytes) -> None:
        """Send one message, text or binary."""
        await self._websocket.send(message)

    async def run(self, call: Call, conversation: Awaitable[None]) -> None:
        """Run the handler until it ends, or until somebody ends the socket."""
        self.call = call
        self._task = asyncio.ensure_future(conversation)
        self._connections.open.add(self)
        try:
            await asyncio.wait({self._task})
        finally:
            self._connections.open.discard(self)
            if not self._task.done():
                self._task.cancel()
        if self._closing:
            await self.close(*self._closing)
        elif not self._task.cancelled():
            self._task.result()

    @property
    def is_ending(self) -> bool:
        """Whether somebody else than the handler ended it."""
        return self._closing is not None

    def end(self, code: int, reason: str) -> None:
        """Cancel the handler and close with this code."""
        self._closing = (code, reason)
        if self._task:
            self._task.cancel()

    async def close(self, code: int, reason: str) -> None:
        """Send the close frame, once."""
        if not self._closed:
            self._closed = True
            await self._websocket.close(code, reason)


class Stream:
    """One long answer (server-sent events) on the panel's side."""

    def __init__(self, call: Call, task: asyncio.Task[Any]) -> None:
        self.call = call
        self._task = task

    def end(self, code: int, reason: str) -> None:
        """Stop the stream; the browser comes back by itself."""
        self._task.cancel()


class Connections:
    """Everything that stays open in this process."""

    def __init__(self) -> None:
        self.open: set[Socket | Stream] = set()

    def socket(self, websocket: Websocket) -> Socket:
        """The panel's side of a websocket that is about to be served."""
        return Socket(self, websocket)

    def end(self, which: Callable[[Call], bool], code: int, reason: str) -> int:
        """End every connection whose call matches; answers how many."""
        ended = [one for one in self.open if one.call and which(one.call)]
        for one in ended:
            one.end(code, reason)
        return len(ended)

    def end_plugin(self, plugin: str) -> int:
        """End what a plugin's routes hold open, because it was disabled."""
        return self.end(lambda call: bool(call.route and call.route.plugin == plugin), PLUGIN_GONE, "plugin_disabled")

    def end_all(self) -> int:
        """End everything, because this process drains."""
        return self.end(lambda call: True, GOING_AWAY, "restarting")
