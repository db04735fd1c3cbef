"""The consoles this process holds open, one per server that somebody watches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from muntin_gameservers.console.upstream import Upstream
from muntin_gameservers.models import ServerRow

LINGER_S = 5.0


class ConsoleHub:
    """Opens a line to a node when the first viewer comes and lets go a little after the last went."""

    def __init__(self) -> None:
        self._open: dict[UUID, Upstream] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def watching(self, server: ServerRow) -> AsyncIterator[Upstream]:
        """The server's console for as long as the block lasts."""
        upstream = self._open.get(server.id)
        if upstream is None:
            upstream = self._open[server.id] = Upstream(server)
            upstream.open()
        upstream.viewers += 1
        try:
            yield upstream
        finally:
            upstream.viewers -= 1
            if not upstream.viewers:
                task = asyncio.create_task(self._leave(server.id, upstream))
                self._leaving.add(task)
                task.add_done_callback(self._leaving.discard)

    async def look_again(self, server_id: UUID) -> None:
        """Something was done with a server; if it is watched here, its viewers are shown where it is now."""
        upstream = self._open.get(server_id)
        if upstream is not None:
            await upstream.look_again()

    async def close(self) -> None:
        """Let go of every node."""
        for task in list(self._leaving):
            task.cancel()
        consoles, self._open = list(self._open.values()), {}
        await asyncio.gather(*(one.close() for one in consoles))

    async def _leave(self, server_id: UUID, upstream: Upstream) -> None:
        await asyncio.sleep(LINGER_S)
        if not upstream.viewers and self._open.get(server_id) is upstream:
            del self._open[server_id]
            await upstream.close()


hub = ConsoleHub()
