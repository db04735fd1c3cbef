"""Measures folders now and then, and stops a server that fills more than its share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from muntin_gameservers.node.servers.server import Server

INTERVAL_S = 1.0
PATIENCE_S = 60.0


class DiskWatch:
    """Looks at one server after the other."""

    def __init__(self, servers: Callable[[], Collection[Server]]) -> None:
        self._servers = servers

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            for server in self._servers():
                if server.installation is None and server.disk.is_due(changing=server.run is not None):
                    await self.look(server)
            await asyncio.sleep(INTERVAL_S)

    async def look(self, server: Server) -> None:
        """Measure one server; over its limit it is stopped, and says why."""
        await server.disk.measure()
        if server.state not in ("starting", "running") or not server.disk.is_over(server.settings.build):
            return
        complaint = server.disk.complaint(server.settings.build)
        server.console.say(f"The disk limit is exceeded, the server is stopped: {complaint}.")
        server.host.spawn(_stop(server, f"disk limit exceeded: {complaint}"), f"stop of {server.uuid} for its disk use")


async def _stop(server: Server, reason: str) -> None:
    async with server.power.held(PATIENCE_S):
        await server.power.stop(patience_s=PATIENCE_S, reason=reason)
