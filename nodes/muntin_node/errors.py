"""What goes wrong on a node, one class per meaning.

    NodeError                     500
    ├── BadRequest                400   malformed body or parameter
    │   └── FileRefused           400   directory where a file was due, disk full, name too long
    ├── Unauthorised              401   no bearer token
    ├── Forbidden                 403   wrong bearer token, denied file, read-only
    ├── NotFound                  404
    │   ├── FileMissing           404
    │   └── PathRefused           404   leaves the folder: `..`, absolute link, magic link, NUL
    ├── Conflict                  409   the object is busy with something else
    │   └── HalfRefused           409   the panel has another version of this half
    ├── TooLarge                  413
    ├── Unavailable               503   the half is not running, Docker is away
    ├── TokenRefused              500   a JWT that does not hold (`reason` is the protocol's wording)
    │   └── TokenSpent            404   used before, denied, or meant for something else
    ├── PanelError                502
    │   ├── PanelUnreachable      504   no answer, or only 5xx, until the retries were used up
    │   └── PanelRefused          502   the panel answered 4xx (`panel_status`)
    ├── ConfigError               500   the configuration file does not read or does not hold
    └── EnrolmentFailed           502

A half raises these from its views; the agent answers `{"error": message, "request_id": uuid}` with `status`.
"""

from __future__ import annotations


class NodeError(Exception):
    """Base of everything a view may raise on purpose; `str(error)` is shown to the caller."""

    status = 500

    def __init__(self, message: str = "") -> None:
        self.message = message or (type(self).__doc__ or "").splitlines()[0]
        super().__init__(self.message)


class BadRequest(NodeError):
    """The request is malformed."""

    status = 400


class FileRefused(BadRequest):
    """The file system refused the operation."""


class Unauthorised(NodeError):
    """The required authorization header was not present in the request."""

    status = 401


class Forbidden(NodeError):
    """You are not authorized to access this endpoint."""

    status = 403


class NotFound(NodeError):
    """The requested resource was not found on this node."""

    status = 404


class FileMissing(NotFound):
    """The requested file was not found."""


class PathRefused(NotFound):
    """The path leads outside of the folder."""


class Conflict(NodeError):
    """Something else is being done with this object."""

    status = 409


class HalfRefused(Conflict):
    """The panel has another version of this half."""


class TooLarge(NodeError):
    """The request body is too large."""

    status = 413


class Unavailable(NodeError):
    """This part of the node is not running."""

    status = 503


class TokenRefused(NodeError):
    """The token does not hold.

    Attributes:
        reason: The words websocket clients know, e.g. `jwt: exp claim is invalid`.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class TokenSpent(TokenRefused):
    """The token was used before, was denied, or is meant for something else."""

    status = 404


class PanelError(NodeError):
    """The panel could not be asked."""

    status = 502


class PanelUnreachable(PanelError):
    """The panel did not answer, or only with 5xx, until the retries were used up."""

    status = 504


class PanelRefused(PanelError):
    """The panel answered 4xx, which is never retried.

    Attributes:
        panel_status: The status of that answer.
        body: Its first 4 KiB as text; may hold the panel's `errors` list.
    """

    def __init__(self, panel_status: int, body: str = "") -> None:
        self.panel_status = panel_status
        self.body = body
        super().__init__(f"The panel refused the call with status {panel_status}.")


class ConfigError(NodeError):
    """The configuration does not hold; the message names file, key and remedy."""


class EnrolmentFailed(NodeError):
    """The panel did not accept this node; the message names the remedy."""

    status = 502
