"""Why something could not be done with a server."""

from __future__ import annotations

from muntin_node.errors import BadRequest, Conflict, NodeError, NotFound


class ServerUnknown(NotFound):
    """The requested server was not found on this node."""


class PanelLookupFailed(NodeError):
    """The panel could not be asked about the server."""


class ServerSuspended(BadRequest):
    """The server is suspended and cannot be started."""


class ServerBusy(Conflict):
    """Another power action or an install is under way."""


class StateConflict(Conflict):
    """The action does not fit the state the server is in."""


class NotRunning(NodeError):
    """The container exists but does not run."""

    status = 502


class StartFailed(NodeError):
    """The server could not be started; the message says why."""


class InstallFailed(NodeError):
    """The install did not succeed; the message says why."""
