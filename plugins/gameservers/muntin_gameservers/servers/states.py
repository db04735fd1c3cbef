"""What a server's state lets one do."""

from __future__ import annotations

from muntin.translation import _
from muntin_gameservers.errors import ServerLocked, ServerSuspended
from muntin_gameservers.models import ServerRow


def refuse_unusable(server: ServerRow) -> None:
    """Refuse what needs a usable server.

    Raises:
        ServerSuspended: It is suspended.
        ServerLocked: It is being installed, moved or deleted, or was never installed.
    """
    refuse_moving(server)
    if server.is_suspended:
        raise ServerSuspended
    if server.stage != "ready":
        raise ServerLocked


def refuse_locked(server: ServerRow) -> None:
    """Refuse to begin something while something else is under way.

    Raises:
        ServerLocked: It is being installed, moved or deleted.
    """
    refuse_moving(server)
    if server.stage in ("installing", "deleting"):
        raise ServerLocked


def refuse_moving(server: ServerRow) -> None:
    """Refuse to change what goes with a server to another node.

    Raises:
        ServerLocked: It is being moved.
    """
    if server.stage == "transferring":
        raise ServerLocked(_("The server is being moved to another node; wait until it is there."))
