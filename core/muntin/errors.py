"""Everything that may go wrong on purpose, one class per meaning.

    MuntinError
    ├── BadRequest             400  the request could not be understood
    ├── NotAuthenticated       401  who is asking is not known
    ├── Forbidden              403  known, seen, but not allowed
    ├── NotFound               404  absent, or hidden from the one who asks
    ├── MethodNotAllowed       405  the path exists, the verb does not
    ├── Conflict               409  the state of things forbids it
    │   └── LimitReached       409  nothing more fits into a limit
    ├── PreconditionFailed     412  it changed since it was read
    ├── PayloadTooLarge        413
    ├── UnsupportedMediaType   415
    ├── InvalidInput           422  fields are wrong, each is named
    ├── TooManyRequests        429  says when to come back
    ├── NodeRefused            502  the node answered with an error
    ├── Unavailable            503
    │   ├── StoreBusy          503  others wrote for too long; says when to come back
    │   └── NodeUnreachable    503  the node did not answer
    └── NodeTimeout            504  the node took too long

A plugin subclasses the meaning that fits and sets its own `code`. Services raise these; the dialect
of the request renders them. Any other exception is a bug.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from muntin.translation import _


class MuntinError(Exception):
    """An expected failure that a person may read.

    `code` is stable and documented; `message` is for people and may change; `details` is plain JSON.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    default_message: ClassVar[str] = "Something went wrong."

    def __init__(self, message: str | None = None, /, **details: object) -> None:
        self.message = message if message is not None else _(self.default_message)
        self.details: dict[str, object] = details
        super().__init__(self.message)

    @property
    def headers(self) -> dict[str, str]:
        """Headers the answer must carry whatever the dialect."""
        return {}


class BadRequest(MuntinError):
    """The request could not be understood: broken JSON, a bad number in the query."""

    status = 400
    code = "bad_request"
    default_message = "The request could not be understood."


class NotAuthenticated(MuntinError):
    """No credential, or one that is not valid (any more)."""

    status = 401
    code = "unauthorized"
    default_message = "Sign in to do this."

    @property
    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class Forbidden(MuntinError):
    """The actor may see the thing but not do this to it."""

    status = 403
    code = "forbidden"
    default_message = "You are not allowed to do this."


class NotFound(MuntinError):
    """The thing does not exist, or the actor may not know that it does."""

    status = 404
    code = "not_found"
    default_message = "There is nothing here."


class MethodNotAllowed(MuntinError):
    """The path exists, but not with this verb."""

    status = 405
    code = "method_not_allowed"
    default_message = "This address does not support that method."

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__(None, allowed=sorted(allowed))
        self.allowed = tuple(sorted(allowed))

    @property
    def headers(self) -> dict[str, str]:
        return {"Allow": ", ".join(self.allowed)}


class Conflict(MuntinError):
    """The state of things forbids it."""

    status = 409
    code = "conflict"
    default_message = "This conflicts with how things are."


class LimitReached(Conflict):
    """A limit (databases, keys, memory of a node ...) leaves no room for one more."""

    code = "limit_reached"
    default_message = "The limit is reached."


class PreconditionFailed(MuntinError):
    """The thing changed since the caller read it (`If-Match`)."""

    status = 412
    code = "precondition_failed"
    default_message = "This was changed by somebody else in the meantime."


class PayloadTooLarge(MuntinError):
    """The body is larger than this address takes."""

    status = 413
    code = "payload_too_large"
    default_message = "That is too large."


class UnsupportedMediaType(MuntinError):
    """The body is not of a type this address reads."""

    status = 415
    code = "unsupported_media_type"
    default_message = "Send the body as application/json."


class InvalidInput(MuntinError):
    """One or more fields are wrong.

    Args:
        fields: Dotted field name -> messages, every one a sentence a person can act on.
    """

    status = 422
    code = "validation_error"
    default_message = "Some fields are not right."

    def __init__(self, fields: Mapping[str, Sequence[str]], message: str | None = None) -> None:
        super().__init__(message, **{name: list(messages) for name, messages in fields.items()})
        self.fields = {name: list(messages) for name, messages in fields.items()}

    @classmethod
    def of(cls, field: str, message: str) -> InvalidInput:
        """One field with one message."""
        return cls({field: [message]})


class TooManyRequests(MuntinError):
    """A rate is exceeded.

    Args:
        retry_after_s: Seconds until it is worth trying again, at least 1.
    """

    status = 429
    code = "rate_limit_exceeded"
    default_message = "Too many requests; try again in a moment."

    def __init__(self, retry_after_s: int, message: str | None = None) -> None:
        super().__init__(message, retry_after=max(1, retry_after_s))
        self.retry_after_s = max(1, retry_after_s)

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after_s)}


class NodeRefused(MuntinError):
    """The node was reached and said no."""

    status = 502
    code = "node_error"
    default_message = "The node could not do this."


class Unavailable(MuntinError):
    """Something that is needed is not there right now."""

    status = 503
    code = "unavailable"
    default_message = "This is not available at the moment."


class StoreBusy(Unavailable):
    """Others kept the database for too long; nothing was changed, trying again is safe."""

    code = "database_busy"
    default_message = "The database is busy; please try again."

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": "1"}


class NodeUnreachable(Unavailable):
    """The node did not answer."""

    code = "node_unreachable"
    default_message = "The node cannot be reached right now."


class NodeTimeout(MuntinError):
    """The node was reached but took too long."""

    status = 504
    code = "node_timeout"
    default_message = "The node took too long to answer."
