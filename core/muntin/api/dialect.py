"""How `/api/v1` reads and answers: envelopes, codes, paging, conditional requests."""

from __future__ import annotations

import hashlib
from itertools import accumulate
from typing import Any, ClassVar

import orjson
from quart import Request, Response

from muntin.access import Actor
from muntin.accounts import credentials
from muntin.api.json import dumps
from muntin.call import Call
from muntin.dialects import Dialect, nul_messages, validate
from muntin.errors import BadRequest, InvalidInput, MuntinError, PreconditionFailed, UnsupportedMediaType
from muntin.limits import count_call
from muntin.routing import Route
from muntin.schemas import Page
from muntin.translation import _

MAX_DEPTH = 32
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")  # one level deeper, one less: +1 and -1 as signed bytes
_NO_MARKS = bytes(set(range(256)) - set(b'"[]{}'))
NUL = b"\\u0000"
"""How JSON writes the character; a body without this cannot hold it, which saves looking through the values."""


class NativeDialect(Dialect):
    """JSON envelopes `{"data"}`, `{"data", "meta"}`, `{"error": {"code", "message", "details"}}`."""

    name: ClassVar[str] = "native"
    prefixes: ClassVar[tuple[str, ...]] = ("/api/v1",)

    async def authenticate(self, call: Call) -> Actor:
        return await credentials.actor_of_bearer(call)

    async def limit(self, call: Call) -> None:
        count_call(call, bucket="native", per_minute=240)

    async def parse_body(self, call: Call, route: Route, raw: bytes) -> Any:
        assert isinstance(call.request, Request)  # noqa: S101 - websockets have no body
        if raw and call.request.mimetype != "application/json":
            raise UnsupportedMediaType
        values = read_json(raw)
        return _validate_with_nul(route.body, values) if NUL in raw else validate(route.body, values)

    def parse_query(self, call: Call, route: Route) -> Any:
        try:
            return super().parse_query(call, route)
        except InvalidInput as error:
            raise BadRequest(_("The query is not right."), **error.details) from error

    async def render(self, call: Call, route: Route, result: Any) -> Response:
        if result is None and route.status == 204:
            return Response(b"", status=204)
        if isinstance(result, Page):
            return _json({"data": result.items, "meta": result.meta()}, route.status)
        response = _json({"data": result}, route.status)
        location = getattr(result, "location", None) if route.status in (201, 202) else None
        if isinstance(location, str) and location.startswith("/"):
            response.headers["Location"] = location
        if route.method == "GET":
            response.headers["ETag"] = weak_tag(await response.get_data(as_text=False))
        return response

    async def render_error(self, call: Call, error: MuntinError) -> Response:
        body = {"error": {"code": error.code, "message": error.message, "details": error.details}}
        return _json(body, error.status)


def _validate_with_nul(model: Any, values: dict[str, Any]) -> Any:
    """Refuse the fields that hold NUL, which some models would take, beside what else is wrong."""
    wrong = nul_messages(values)
    try:
        found = validate(model, values)
    except InvalidInput as error:
        beside = {name: text for name, text in wrong.items() if not name.startswith(tuple(error.fields))}
        raise InvalidInput({**beside, **error.fields}) from error
    if wrong:
        raise InvalidInput(wrong)
    return found


def read_json(raw: bytes) -> dict[str, Any]:
    """A JSON object of sane depth; an absent body is an empty object.

    Raises:
        BadRequest: Broken JSON, not an object, or nested too deep.
    """
    if not raw:
        return {}
    if _too_deep(raw):
        raise BadRequest(_("The body is nested too deep."))
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(_("The body is not valid JSON: {reason}.", reason=str(error))) from error
    if not isinstance(value, dict):
        raise BadRequest(_("The body has to be a JSON object."))
    return value


def _too_deep(raw: bytes) -> bool:
    """Whether brackets outside strings are nested too deep, without building anything and without a loop in Python.

    About 8 ms for a body of 1 MiB, 50 ms when it is nothing but brackets (measured; a loop over its bytes takes 70 to
    170). Escapes go first, so that each quote left over opens or closes a string.
    """
    if raw.count(b"{") + raw.count(b"[") <= MAX_DEPTH:
        return False
    marks = raw.replace(b"\\\\", b"").replace(b'\\"', b"").translate(_STEPS, _NO_MARKS).replace(b'""', b"")
    steps = b"".join(marks.split(b'"')[::2]).replace(b"\x01\xff", b"")  # a pair with nothing in it is the last level
    return max(accumulate(memoryview(steps).cast("b")), default=0) >= MAX_DEPTH


def weak_tag(body: bytes) -> str:
    """A weak ETag of what is answered (RFC 9110 section 8.8.3)."""
    return f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def matches(condition: str, tag: str) -> bool:
    """Whether an `If-Match` value names the tag (or any)."""
    return condition.strip() == "*" or tag in [part.strip() for part in condition.split(",")]


def refuse_changed(condition: str, tag: str) -> None:
    """Refuse a change of something that was read in an older state.

    Raises:
        PreconditionFailed: The tags differ.
    """
    if not matches(condition, tag):
        raise PreconditionFailed


def _json(value: Any, status: int) -> Response:
    return Response(dumps(value), status=status, content_type="application/json")
