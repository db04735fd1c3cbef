"""How the app meets the server: bodies under back-pressure, websockets that are bounded and closed with a reason."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, cast

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable
from quart import Quart, Request
from quart.asgi import ASGIHTTPConnection, ASGIWebsocketConnection

from muntin_node.bodies import BoundedBody

MAX_WAITING_FRAMES = 64
SERVICE_RESTART = 1012
TOO_MANY_FRAMES = 1008
SOCKETS = "muntin_node.sockets"
DRAIN_S = 5.0
QUIET_S = 1.0
_draining: set[asyncio.Task[None]] = set()


class NodeHttpConnection(ASGIHTTPConnection):
    """Takes the next part of a streamed body when the view has read the one before."""

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve the request."""
        self._body: BoundedBody | None = None

        async def send_and_discard(message: Any) -> None:
            if self._body is not None and message["type"] == "http.response.start":
                self._body.discard()  # the view has answered: what is left of the body must not hold up the answer
            await send(message)

        try:
            await super().__call__(receive, send_and_discard)
        finally:
            if self._body is not None and not self._body.complete:
                drain(receive)

    async def handle_messages(self, request: Request, receive: ASGIReceiveCallable) -> None:
        """Feed the body until the client is done or gone."""
        body = self._body = cast(BoundedBody, request.body)

        async def receive_when_there_is_room() -> Any:
            await body.room()
            return await receive()

        await super().handle_messages(request, receive_when_there_is_room)


class NodeWebsocketConnection(ASGIWebsocketConnection):
    """Drops a client that floods, and can be closed from outside."""

    def __init__(self, app: Quart, scope: Any) -> None:
        super().__init__(app, scope)
        self.queue = asyncio.Queue(maxsize=MAX_WAITING_FRAMES)
        self._closing = asyncio.Event()
        self._close_code = SERVICE_RESTART
        self.ended = asyncio.Event()

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve the connection; known to the app meanwhile."""
        sockets = open_sockets(self.app)
        sockets.add(self)
        self._closer = asyncio.create_task(self._close_when_asked(send))
        try:
            await super().__call__(receive, send)
        finally:
            drain(receive)
            sockets.discard(self)
            self.ended.set()
            self._closer.cancel()

    def close(self, code: int) -> None:
        """Close with this code and end the view."""
        self._close_code = code
        self._closing.set()

    async def handle_messages(self, receive: ASGIReceiveCallable) -> None:
        """Queue frames for the view until the client is gone, floods, or `close` was called."""
        reading = asyncio.create_task(self._read(receive))
        try:
            await asyncio.wait([reading, self._closer], return_when=asyncio.FIRST_COMPLETED)
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading

    async def _read(self, receive: ASGIReceiveCallable) -> None:
        while True:
            event = await receive()
            if event["type"] == "websocket.disconnect":
                return
            if event["type"] != "websocket.receive":
                continue
            if self.queue.full():
                self.close(TOO_MANY_FRAMES)
                await asyncio.wait([self._closer])
                return  # the view is cancelled; what still comes is drained
            self.queue.put_nowait(event.get("bytes") or event.get("text") or "")

    async def _close_when_asked(self, send: ASGISendCallable) -> None:
        await self._closing.wait()
        if self._closed:
            return
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(self.close_connection(send, self._close_code, ""), timeout=2)


def drain(receive: ASGIReceiveCallable) -> None:
    """Throw away what the client still sends to a connection whose view has ended.

    Hypercorn queues ten messages for the app and waits for room before it looks at the connection again: if
    nobody took them, the connection would stay open for good.
    """

    async def take_all() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                while True:
                    await asyncio.wait_for(receive(), QUIET_S)

    task = asyncio.get_running_loop().create_task(take_all())
    _draining.add(task)
    task.add_done_callback(_draining.discard)


def open_sockets(app: Quart) -> set[NodeWebsocketConnection]:
    """The websockets that are open in this app."""
    sockets: set[NodeWebsocketConnection] = app.extensions.setdefault(SOCKETS, set())
    return sockets


async def close_sockets(app: Quart, code: int = SERVICE_RESTART, *, timeout_s: float = 3.0) -> None:
    """Close all websockets with a code and wait until their views have ended."""
    sockets = tuple(open_sockets(app))
    for socket in sockets:
        socket.close(code)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await asyncio.gather(*(socket.ended.wait() for socket in sockets))
