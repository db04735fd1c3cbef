"""From a request to its answer: dialect, actor, limits, route, handler, rendering.

The first journey of `docs/architecture.md`, step by step. Nothing here knows a capability or the form
of any API.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from quart import Request, Response, Websocket

from muntin import metrics
from muntin.access import Actor, refuse_early
from muntin.call import Call
from muntin.connections import GOING_AWAY, TRY_AGAIN_LATER, Socket
from muntin.database.transactions import is_busy
from muntin.dialects import Dialect
from muntin.errors import MuntinError, PayloadTooLarge, StoreBusy
from muntin.idempotency import answered_once
from muntin.logs import request_context
from muntin.plugins import CORE
from muntin.plugins.boundaries import (
    PluginFault,
    PluginTooSlow,
    checked,
    deadlines,
    note,
    note_error,
    patiently,
    within,
)
from muntin.routing import WEBSOCKET, Route
from muntin.table import RouteTable

if TYPE_CHECKING:
    from muntin.panel import Panel

log = logging.getLogger("muntin.requests")
T = TypeVar("T")


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
            response = await _refuse(call, table, error)
        except Exception as error:  # noqa: BLE001 - handlers are foreign code; logged where it is not the store
            response = await _refuse(call, table, _unforeseen(call, error))
    response.headers["X-Request-Id"] = call.request_id
    response.headers.update(call.response_headers)
    metrics.count_request(call, response.status_code, time.perf_counter() - started)
    return response


async def _answer(panel: Panel, call: Call, table: RouteTable) -> Response:
    dialect = table.dialect
    request = call.request
    assert isinstance(request, Request)  # noqa: S101 - websockets go through `converse`
    route, values = await _by_dialect(call, table, partial(_admit, call, table, request.method))
    refuse_early(call.actor, route.guard)
    raw = await read_body(request, route.max_body_bytes or dialect.body_limit_bytes) if _has_body(route) else b""
    call.body = raw
    arguments = await _by_dialect(call, table, partial(arguments_for, call, dialect, route, values, raw))

    async def perform() -> Response:
        result = await route.handler(**arguments)
        return result if isinstance(result, Response) else await _rendered(call, table, route, result)

    async def invoke() -> Response:
        if route.plugin == CORE:
            return await perform()
        limit_s = None if route.streams else route.timeout_s
        return await within(route.plugin, _title(route), perform, deadline_s=limit_s, source=call.actor)

    key = request.headers.get("Idempotency-Key")
    if route.idempotent and key:
        return await answered_once(call, key, raw, partial(_with_refusals, call, table, invoke))
    return await invoke()


async def _admit(call: Call, table: RouteTable, method: str) -> tuple[Route, Mapping[str, Any]]:
    """Who asks, whether they may ask again already, for what, and whether they mean to."""
    dialect = table.dialect
    call.actor = checked(table.plugin, "authenticate", await dialect.authenticate(call), Actor)
    await dialect.limit(call)
    call.route, values = table.find(call.request.path, method)
    await dialect.check_intent(call)
    return call.route, values


async def _rendered(call: Call, table: RouteTable, route: Route, result: Any) -> Response:
    """The handler's result as the dialect shows it."""
    answer = await _by_dialect(call, table, partial(table.dialect.render, call, route, result))
    return checked(table.plugin, "render", answer, Response)


async def _by_dialect(call: Call, table: RouteTable, work: Callable[[], Awaitable[T]]) -> T:
    """Have a dialect do its part, within the bounds of the plugin it comes from."""
    if table.plugin == CORE:
        return await work()
    limit_s = deadlines().request_s
    return await within(table.plugin, f"dialect {table.dialect.name}", work, deadline_s=limit_s, source=call.actor)


def _title(route: Route) -> str:
    return f"route {route.method} {route.path}"


def _unforeseen(call: Call, error: Exception) -> MuntinError:
    """What is said of an error nobody raised on purpose; a bug unless the store was only busy."""
    if is_busy(error):
        log.warning("The database is busy: %s", error)
        return StoreBusy()
    log.error("A handler failed", exc_info=error, extra={"route": call.route.path if call.route else None})
    return MuntinError(None, request_id=call.request_id)


async def _with_refusals(call: Call, table: RouteTable, invoke: Callable[[], Awaitable[Response]]) -> Response:
    """The answer, refusals rendered, so that a repetition is refused the same; faults and haste stay errors."""
    try:
        return await invoke()
    except MuntinError as error:
        if error.status >= 500 or error.status == 429:
            raise
        return await _refuse(call, table, error)


async def converse(panel: Panel, websocket: Websocket) -> Response | None:
    """Serve one websocket until either side ends it."""
    call = Call.of(websocket, panel.configuration.trusted_proxies)
    table = panel.tables.of(websocket)
    if table is None:
        return Response("", status=404)
    socket = call.socket = panel.connections.socket(websocket)
    with request_context(call.request_id):
        try:
            route, values = await _by_dialect(call, table, partial(_admit, call, table, WEBSOCKET))
            arguments = await _by_dialect(call, table, partial(arguments_for, call, table.dialect, route, values, b""))
            await _hold(panel, call, socket, route, partial(route.handler, **arguments))
        except Exception as failure:  # noqa: BLE001 - handlers are foreign code; logged where it is not the store
            error = failure if isinstance(failure, MuntinError) else _unforeseen(call, failure)
            if not socket.accepted:
                return await _refuse(call, table, error)
            await socket.close(_close_code(table, error), error.code)
    return None


def _close_code(table: RouteTable, error: MuntinError) -> int:
    return TRY_AGAIN_LATER if isinstance(error, StoreBusy) else table.dialect.close_code(error)


async def _hold(panel: Panel, call: Call, socket: Socket, route: Route, handler: Callable[[], Awaitable[None]]) -> None:
    """Run a websocket's handler as long as it likes; only accepting has a deadline."""

    def expire() -> None:
        if not socket.accepted:
            note(route.plugin, _title(route), f"not accepted after {panel.deadlines.accept_s:g} s", call.actor)
            socket.end(GOING_AWAY, PluginTooSlow.code)

    timer = asyncio.get_running_loop().call_later(panel.deadlines.accept_s, expire)
    try:
        await socket.run(call, within(route.plugin, _title(route), handler, deadline_s=None, source=call.actor))
    finally:
        timer.cancel()
    if not socket.accepted and not socket.is_ending:  # else the client would wait for an answer for ever
        fault = PluginFault(f"{_title(route)} ended without accepting")
        note_error(route.plugin, _title(route), fault, call.actor)
        raise fault


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
    return bool(route.body_name) or route.idempotent or route.max_body_bytes is not None


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """The whole body, read no further than the limit.

    Raises:
        PayloadTooLarge: There is more.
    """
    if (request.content_length or 0) > limit_bytes:
        raise PayloadTooLarge(limit_bytes=limit_bytes)
    chunks: list[bytes] = []
    size = 0
    with patiently():
        async for chunk in request.body:
            size += len(chunk)
            if size > limit_bytes:
                raise PayloadTooLarge(limit_bytes=limit_bytes)
            chunks.append(chunk)
    return b"".join(chunks)


async def _refuse(call: Call, table: RouteTable, error: MuntinError) -> Response:
    """The dialect's answer for a failure; plain text where even that fails."""
    try:
        answer = await _by_dialect(call, table, partial(table.dialect.render_error, call, error))
        response = checked(table.plugin, "render_error", answer, Response)
    except Exception:
        log.exception("The dialect %s could not render an error", table.dialect.name)
        response = Response(f"{error.message}\n{call.request_id}\n", status=500, content_type="text/plain")
    response.headers.update(error.headers)
    return response
