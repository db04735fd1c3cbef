"""How nodes talk to the panel: their own bearer credential, Wings' form of errors."""

from __future__ import annotations

from typing import Any, ClassVar

from quart import Request, Response

from muntin.access import Actor
from muntin.api.dialect import NUL, read_json
from muntin.api.json import dumps
from muntin.call import Call
from muntin.dialects import Dialect, validate
from muntin.errors import BadRequest, Forbidden, InvalidInput, MuntinError
from muntin.limits import count_call, hit
from muntin.nodes.credentials import node_of_bearer
from muntin.routing import Route

PER_MINUTE = 6000
"""Of one node: a full one that starts asks for each of its servers and reports several changes of each."""
STRANGERS_PER_MINUTE = 60
"""Of one address without a credential: machines that enrol."""
REFUSED_PER_MINUTE = 60
"""Credentials of one address that were wrong; right ones from there are not held up."""


def without_nul(value: Any) -> Any:
    """JSON without the character NUL, which no database takes: nodes pass on what foreign programs wrote."""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, dict):
        return {without_nul(key): without_nul(inner) for key, inner in value.items()}
    return [without_nul(one) for one in value] if isinstance(value, list) else value


class NodeDialect(Dialect):
    """Bare JSON answers; errors as `{"errors": [{"code", "status", "detail"}]}`.

    A plugin whose node half calls the panel under a prefix of its own derives its dialect from this.
    """

    name: ClassVar[str] = "node"
    prefixes: ClassVar[tuple[str, ...]] = ("/api/node",)

    async def authenticate(self, call: Call) -> Actor:
        if call.bearer is None:
            return Actor.anonymous(call.address)
        try:
            return await node_of_bearer(call.bearer, call.address)
        except (BadRequest, Forbidden):
            hit(call, f"{self.name}:refused:{call.address}", limit=REFUSED_PER_MINUTE, window_s=60)
            raise

    async def limit(self, call: Call) -> None:
        per_minute = PER_MINUTE if call.actor.kind == "node" else STRANGERS_PER_MINUTE
        count_call(call, bucket=self.name, per_minute=per_minute)

    async def parse_body(self, call: Call, route: Route, raw: bytes) -> Any:
        assert isinstance(call.request, Request)  # noqa: S101 - websockets have no body
        if raw.strip() in (b"", b"null"):
            return validate(route.body, {})
        return validate(route.body, without_nul(read_json(raw)) if NUL in raw else read_json(raw))

    def parse_query(self, call: Call, route: Route) -> Any:
        try:
            return super().parse_query(call, route)
        except InvalidInput as error:
            raise BadRequest(None, **error.details) from error

    async def render(self, call: Call, route: Route, result: Any) -> Response:
        if result is None:
            return Response(b"", status=route.status)
        return Response(dumps(result), status=route.status, content_type="application/json")

    async def render_error(self, call: Call, error: MuntinError) -> Response:
        found = [{"code": error.code, "status": str(error.status), "detail": error.message}]
        if isinstance(error, InvalidInput):
            found = [
                {"code": error.code, "status": str(error.status), "detail": f"{field}: {message}"}
                for field, messages in error.fields.items()
                for message in messages
            ]
        return Response(dumps({"errors": found}), status=error.status, content_type="application/json")
