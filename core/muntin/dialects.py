"""An API surface: which requests are its own, who sends them, and how it answers.

The core picks the dialect first, by prefix and kind of credential, so that whatever happens next,
errors included, is rendered in its form. A dialect translates and decides nothing: rules and access
checks are in services.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import ValidationError
from quart import Request, Response, Websocket

from muntin.access import Actor
from muntin.errors import InvalidInput, MuntinError
from muntin.translation import _

if TYPE_CHECKING:
    from muntin.call import Call
    from muntin.routing import Route


class Dialect(ABC):
    """Base of all dialects; a plugin contributes an instance.

    Attributes:
        name: What routes name in `dialect=`.
        prefixes: Paths it may claim; the longest prefix is asked first.
        order: Among dialects of one prefix, ascending.
        body_limit_bytes: Larger bodies are refused with `PayloadTooLarge`.
    """

    name: ClassVar[str]
    prefixes: ClassVar[tuple[str, ...]]
    order: ClassVar[int] = 100
    body_limit_bytes: ClassVar[int] = 1024 * 1024

    def claims(self, request: Request | Websocket) -> bool:
        """Whether a request under one of the prefixes is this dialect's, by its kind of credential."""
        return True

    @abstractmethod
    async def authenticate(self, call: Call) -> Actor:
        """Who sends this; `Actor.anonymous` when nothing was presented.

        Raises:
            NotAuthenticated: A credential was presented and is not valid.
        """

    async def limit(self, call: Call) -> None:  # noqa: B027 - a dialect without limits is fine
        """Count the request and set the limit headers in `call.response_headers`.

        Raises:
            TooManyRequests: The credential or address has used up its share.
        """

    async def check_intent(self, call: Call) -> None:  # noqa: B027 - most credentials prove it by being sent at all
        """Make sure that whoever holds the credential meant to send this; asked once a route was found.

        Where browsers send a credential by themselves (cookies), a change needs a proof that it comes from
        a page of the panel.

        Raises:
            Forbidden: It does not.
        """

    async def parse_body(self, call: Call, route: Route, raw: bytes) -> Any:
        """The body as the route's model.

        Raises:
            BadRequest: It is not of the form this dialect reads.
            InvalidInput: Fields are wrong.
        """
        raise NotImplementedError(f"The dialect {self.name} reads no bodies.")

    def parse_query(self, call: Call, route: Route) -> Any:
        """The query as the route's model; unknown keys are the model's business."""
        assert route.query is not None  # noqa: S101 - the core asks only for routes that have one
        values = call.request.args.to_dict()
        refuse_nul(values)
        return validate(route.query, values)

    @abstractmethod
    async def render(self, call: Call, route: Route, result: Any) -> Response:
        """The answer of a handler that succeeded."""

    @abstractmethod
    async def render_error(self, call: Call, error: MuntinError) -> Response:
        """The answer for an expected failure; also for 404, 405 and 413 before any handler."""

    def close_code(self, error: MuntinError) -> int:
        """The websocket close code for a failure after the socket was accepted (RFC 6455, 4000-4999 are free)."""
        return {401: 4401, 403: 4403, 404: 4404, 409: 4409, 429: 4429}.get(error.status, 1011)


def validate(model: Any, values: Any) -> Any:
    """Build the model, or say which fields are wrong.

    Raises:
        InvalidInput: Dotted field names with messages.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InvalidInput(field_messages(error.errors(include_url=False))) from error


def refuse_nul(value: Any) -> None:
    """Refuse NUL in any text of an input, keys included: PostgreSQL stores it in no column, not even in JSON.

    Raises:
        InvalidInput: Dotted names of the fields that hold it.
    """
    if fields := nul_messages(value):
        raise InvalidInput(fields)


def nul_messages(value: Any) -> dict[str, list[str]]:
    """Dotted field -> what is wrong, for the fields that hold NUL."""
    return {name: [_("The character NUL is not allowed.")] for name in _fields_with_nul(value, "")}


def _fields_with_nul(value: Any, name: str) -> Iterator[str]:
    if isinstance(value, str) and "\0" in value:
        yield name or "body"
    elif isinstance(value, dict):
        for key, inner in value.items():
            shown = f"{name}.{key}".strip(".").replace("\0", "\ufffd")
            if "\0" in key:
                yield shown
            yield from _fields_with_nul(inner, shown)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _fields_with_nul(inner, f"{name}.{index}".strip("."))


def field_messages(errors: Sequence[Any]) -> dict[str, list[str]]:
    """Pydantic's errors as dotted field -> sentences."""
    fields: dict[str, list[str]] = {}
    for error in errors:
        name = ".".join(str(part) for part in error["loc"]) or "body"
        message = str(error["msg"]).removeprefix("Value error, ")
        fields.setdefault(name, []).append(message if message.endswith(".") else f"{message}.")
    return fields
