"""Which sockets look at which server."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from muntin_node.errors import BadRequest

if TYPE_CHECKING:
    from muntin_gameservers.node.sockets.console_socket import ConsoleSocket

SOCKETS_PER_SERVER = 30


class TooManySockets(BadRequest):
    """Too many websockets are open for this server."""


class SocketRegistry:
    """Open sockets by server."""

    def __init__(self) -> None:
        self._sockets: defaultdict[str, set[ConsoleSocket]] = defaultdict(set)

    def add(self, uuid: str, socket: ConsoleSocket) -> None:
        """Count a socket in.

        Raises:
            TooManySockets: 30 are open for this server.
        """
        if len(self._sockets[uuid]) >= SOCKETS_PER_SERVER:
            raise TooManySockets
        self._sockets[uuid].add(socket)

    def discard(self, uuid: str, socket: ConsoleSocket) -> None:
        """Count it out."""
        self._sockets[uuid].discard(socket)
        if not self._sockets[uuid]:
            del self._sockets[uuid]

    def recheck_all(self) -> None:
        """Have every socket look at its token now."""
        for sockets in self._sockets.values():
            for socket in sockets:
                socket.recheck_soon()

    def recheck_user(self, user_uuid: str, server_uuids: tuple[str, ...]) -> None:
        """Have a user's sockets look at their tokens now; no servers means all."""
        for uuid, sockets in self._sockets.items():
            if not server_uuids or uuid in server_uuids:
                for socket in sockets:
                    if socket.user_uuid == user_uuid:
                        socket.recheck_soon()
