"""From a request to its answer: dialect, actor, limits, route, handler, rendering.

The first journey of `docs/architecture.md`, step by step. Nothing here knows a capability or the form
of any API.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from quart import Request, Response, Websocket

from muntin import metrics
from muntin.access import refuse_early
from muntin.call import Call
from muntin.dialects import Dialect
from muntin.errors import MuntinError, PayloadTooLarge
from muntin.idempotency import answered_once
from muntin.logs import request_context
from muntin.routing import WEBSOCKET, Route
from muntin.table import RouteTable

if TYPE_CHECKING:
    from muntin.panel import Panel

log = logging.getLogger("muntin.requests")


async def answer(panel: Panel, request: Request) -> Response:
    """Answer one HTTP request, whatever happens."""
    call = Call.of(request, panel.configuration.trusted_proxies)
    table = panel.tables.of(request)
    started = time.perf_counter()
    with request_context(call.request_id):
        if table is None:
            return Response("", status=404)
        try:
            response = await _answer(panel, call, table)
        except MuntinError as error:
            response = await _refuse(call, table.dialect, error)
        except Exception:
            log.exception("A handler failed", extra={"route": call.route.path if call.route else None})
            response = await _refuse(call, table.dialect, MuntinError(None, request_id=call.request_id))
    response.headers["X-Request-Id"] = call.request_id
    response.headers.update(call.response_headers)
    metrics.count_request(call, response.status_code, time.perf_counter() - started)
    return response


async def _answer(panel: Panel, call: Call, table: RouteTable) -> Response:
    dialect = table.dialect
    request = call.request
    assert isinstance(request, Request)  # noqa: S101 - websockets go through `converse`
    call.actor = await dialect.authenticate(call)
    await dialect.limit(call)
    route, values = table.find(request.path, request.method)
    call.route = route
    await dialect.check_intent(call)
    refuse_early(call.actor, route.guard)
    raw = await read_body(request, route.raw_body_limit_bytes or dialect.body_limit_bytes) if _has_body(route) else b""
    call.body = raw
    arguments = await arguments_for(call, dialect, route, values, raw)

    async def invoke() -> Response:
        result = await route.handler(**arguments)
        return result if isinstance(result, Response) else await dialect.render(call, route, result)

    key = request.headers.get("Idempotency-Key")
    if route.idempotent and key:
        return await answered_once(call, key, raw, partial(_with_refusals, call, dialect, invoke))
    return await invoke()


async def _with_refusals(call: Call, dialect: Dialect, invoke: Callable[[], Awaitable[Response]]) -> Response:
    """The answer, refusals rendered, so that a repetition is refused the same; faults and haste stay errors."""
    try:
        return await invoke()
    except MuntinError as error:
        if error.status >= 500 or error.status == 429:
            raise
        return await _refuse(call, dialect, error)


async def converse(panel: Panel, websocket: Websocket) -> Response | None:
    """Serve one websocket until either side ends it."""
    call = Call.of(websocket, panel.configuration.trusted_proxies)
    table = panel.tables.of(websocket)
    if table is None:
        return Response("", status=404)
    socket = call.socket = panel.connections.socket(websocket)
    with request_context(call.request_id):
        try:
            call.actor = await table.dialect.authenticate(call)
            await table.dialect.limit(call)
            route, values = table.find(websocket.path, WEBSOCKET)
            call.route = route
            await table.dialect.check_intent(call)
            arguments = await arguments_for(call, table.dialect, route, values, b"")
            await socket.run(call, route.handler(**arguments))
        except MuntinError as error:
            if not socket.accepted:
                return await _refuse(call, table.dialect, error)
            await socket.close(table.dialect.close_code(error), error.code)
        except Exception:
            log.exception("A websocket handler failed")
            if not socket.accepted:
                return await _refuse(call, table.dialect, MuntinError(None, request_id=call.request_id))
            await socket.close(1011, "internal_error")
    return None


async def arguments_for(
    call: Call, dialect: Dialect, route: Route, values: Mapping[str, Any], raw: bytes
) -> dict[str, Any]:
    """What the route's handler is called with."""
    arguments = dict(values)
    if route.wants_actor:
        arguments["actor"] = call.actor
    if route.wants_call:
        arguments["call"] = call
    if route.query_name:
        arguments[route.query_name] = dialect.parse_query(call, route)
    if route.body_name:
        arguments[route.body_name] = await dialect.parse_body(call, route, raw)
    return arguments


def _has_body(route: Route) -> bool:
    return bool(route.body_name) or route.idempotent or route.raw_body_limit_bytes is not None


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """The whole body, read no further than the limit.

    Raises:
        PayloadTooLarge: There is more.
    """
    if (request.content_length or 0) > limit_bytes:
        raise PayloadTooLarge(limit_bytes=limit_bytes)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.body:
        size += len(chunk)
        if size > limit_bytes:
            raise PayloadTooLarge(limit_bytes=limit_bytes)
        chunks.append(chunk)
    return b"".join(chunks)


async def _refuse(call: Call, dialect: Dialect, error: MuntinError) -> Response:
    """The dialect's answer for a failure; plain text where even that fails."""
    try:
        response = await dialect.render_error(call, error)
    except Exception:
        log.exception("The dialect %s could not render an error", dialect.name)
        response = Response(f"{error.message}\n{call.request_id}\n", status=500, content_type="text/plain")
    response.headers.update(error.headers)
    return response
