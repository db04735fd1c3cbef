"""A container's terminal on the loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast

UNREAD_BOUND_BYTES = 256 * 1024


class Attachment(asyncio.Protocol):
    """Output arrives at `on_data`, input leaves through `write`; `on_end` is called once when the stream ends."""

    def __init__(self, on_data: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        self._on_data = on_data
        self._on_end = on_end
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(
        cls, attached: socket.socket, on_data: Callable[[bytes], None], on_end: Callable[[], None]
    ) -> Attachment:
        """Hand a connected socket to the loop."""
        attached.setblocking(False)
        loop = asyncio.get_running_loop()
        connect = loop.create_unix_connection if attached.family == socket.AF_UNIX else loop.create_connection
        _, protocol = await connect(lambda: cls(on_data, on_end), sock=attached)
        return protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._on_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._on_end()

    @property
    def is_open(self) -> bool:
        """Whether the terminal is still joined."""
        return self._transport is not None

    def write(self, data: bytes) -> bool:
        """Send input; False when the stream has ended or the server has not read 256 KiB of earlier input."""
        if self._transport is None or self._transport.get_write_buffer_size() + len(data) > UNREAD_BOUND_BYTES:
            return False
        self._transport.write(data)
        return True

    def detach(self) -> None:
        """Leave the terminal; the container goes on."""
        if self._transport is not None:
            self._transport.abort()
