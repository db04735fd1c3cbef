"""What a server's state lets one do."""

from __future__ import annotations

from muntin_gameservers.errors import ServerLocked, ServerSuspended
from muntin_gameservers.models import ServerRow


def refuse_unusable(server: ServerRow) -> None:
    """Refuse what needs a usable server.

    Raises:
        ServerSuspended: It is suspended.
        ServerLocked: It is being installed or deleted, or was never installed.
    """
    if server.is_suspended:
        raise ServerSuspended
    if server.stage != "ready":
        raise ServerLocked


def refuse_locked(server: ServerRow) -> None:
    """Refuse to begin something while something else is under way.

    Raises:
        ServerLocked: It is being installed or deleted.
    """
    if server.stage in ("installing", "deleting"):
        raise ServerLocked
