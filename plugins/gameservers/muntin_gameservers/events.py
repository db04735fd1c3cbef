"""What happens to game servers, nests and eggs."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar
from uuid import UUID

from muntin.events import Event
from muntin_gameservers.models import SubuserRow


class ServerEvent(Event):
    """Something that happened to a game server."""

    subject: ClassVar[str] = "server_id"
    concerns: ClassVar[tuple[str, ...]] = ("owner_id",)

    server_id: UUID
    name: str
    owner_id: UUID | None = None

    @classmethod
    async def shared_with(cls, resource_id: str) -> Collection[UUID]:
        """Everybody the server is shared with may see it, and so hears what happens to it (`ServerRow.rights_of`)."""
        shared = SubuserRow.filter(server_id=resource_id)
        return [UUID(str(one)) for one in await shared.values_list("account_id", flat=True)]


class ServerCreated(ServerEvent):
    """A game server was ordered; its node installs it next."""

    type = "server.created"

    node_id: UUID
    egg_id: UUID


class ServerUpdated(ServerEvent):
    """Settings or limits of a game server changed."""

    type = "server.updated"

    changed: tuple[str, ...]


class ServerDeleted(ServerEvent):
    """A game server is gone."""

    type = "server.deleted"


class ServerSuspended(ServerEvent):
    """A game server was suspended."""

    type = "server.suspended"

    reason: str | None = None


class ServerUnsuspended(ServerEvent):
    """A game server may be started again."""

    type = "server.unsuspended"


class ServerStarted(ServerEvent):
    """A game server is running and ready for players."""

    type = "server.started"


class ServerStopped(ServerEvent):
    """A game server stopped."""

    type = "server.stopped"

    exit_code: int | None = None
    reason: str = ""


class ServerInstallStarted(ServerEvent):
    """A game server is being installed (again)."""

    type = "server.install_started"


class ServerInstallCompleted(ServerEvent):
    """A game server was installed."""

    type = "server.install_completed"


class ServerInstallFailed(ServerEvent):
    """Installing a game server failed."""

    type = "server.install_failed"

    reason: str


class ServerTransferStarted(ServerEvent):
    """A game server is being moved to another node."""

    type = "server.transfer_started"

    from_node_id: UUID
    to_node_id: UUID


class ServerTransferred(ServerEvent):
    """A game server is on another node now."""

    type = "server.transferred"

    from_node_id: UUID
    to_node_id: UUID


class ServerTransferFailed(ServerEvent):
    """A game server was not moved; it is on the node where it was."""

    type = "server.transfer_failed"

    from_node_id: UUID
    to_node_id: UUID
    reason: str


class EggImported(Event):
    """An egg was imported."""

    type = "egg.imported"
    subject = "egg_id"

    egg_id: UUID
    name: str


EVENTS = (
    ServerCreated,
    ServerUpdated,
    ServerDeleted,
    ServerSuspended,
    ServerUnsuspended,
    ServerStarted,
    ServerStopped,
    ServerInstallStarted,
    ServerInstallCompleted,
    ServerInstallFailed,
    ServerTransferStarted,
    ServerTransferred,
    ServerTransferFailed,
    EggImported,
)
