"""The agent's HTTP side: the core's routes, the halves' blueprints, and what holds for every answer."""

from __future__ import annotations

import logging
import uuid
from http import HTTPStatus
from typing import Any

from quart import Quart, Response, g, has_request_context, jsonify, request, websocket
from werkzeug.exceptions import HTTPException

from muntin_node.access import bind_states, is_public, require_node_token
from muntin_node.asgi import NodeHttpConnection, NodeWebsocketConnection
from muntin_node.bodies import NodeRequest, bound_body, swallow_body
from muntin_node.config_store import ConfigStore
from muntin_node.core_routes import CoreState, core_blueprint
from muntin_node.errors import NodeError, TooLarge
from muntin_node.halves import Halves
from muntin_node.tokens import NodeTokens
from muntin_node.version import agent_version

log = logging.getLogger(__name__)

ALLOWED_METHODS = "GET, POST, PATCH, PUT, DELETE, OPTIONS"
ALLOWED_HEADERS = (
    "Accept, Accept-Encoding, Authorization, Cache-Control, Content-Type, Content-Length, Origin, X-Real-IP, "
    "X-CSRF-Token"
)


def create_app(config: ConfigStore, halves: Halves, tokens: NodeTokens, *, started_only: bool = True) -> Quart:
    """Build the app; nothing connects or starts here.

    Args:
        halves: Those that have started get their routes; with `started_only=False` all of them (for listing).
    """
    app = Quart("muntin_node", static_folder=None)
    app.asgi_http_class, app.asgi_websocket_class = NodeHttpConnection, NodeWebsocketConnection
    app.request_class = NodeRequest
    app.config["RESPONSE_TIMEOUT"] = None  # downloads and streams take as long as they take
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    _guard(app, config)
    _render_errors(app)
    app.register_blueprint(core_blueprint())
    for name, blueprints in halves.blueprints(started_only=started_only):
        for blueprint in blueprints:
            app.register_blueprint(blueprint)
        log.debug("routes of %s registered", name)
    bind_states(app, [CoreState(config, halves, tokens), *(half.state for _, half in halves.running)])
    return app


def _guard(app: Quart, store: ConfigStore) -> None:
    @app.before_request
    async def check_request() -> Response | None:
        g.request_id = str(uuid.uuid4())
        if request.method == "OPTIONS":
            return Response(status=204)
        bound_body(app.view_functions.get(request.endpoint or ""))
        if request.routing_exception is None and not is_public(app, request.endpoint):
            require_node_token(store)
        return None

    @app.before_websocket
    async def check_websocket() -> None:
        g.request_id = str(uuid.uuid4())
        if websocket.routing_exception is None and not is_public(app, websocket.endpoint):
            require_node_token(store, websocket.headers)

    @app.after_request
    async def add_headers(response: Response) -> Response:
        response.headers.update(answer_headers(store, request.headers.get("Origin", "")))
        return response


def answer_headers(store: ConfigStore, origin: str) -> dict[str, str]:
    """What every answer carries: request id, CORS, and who answers (Pelican's panel insists on that one)."""
    config = store.current
    allowed = config.remote
    if "*" in config.allowed_origins:
        allowed = "*"
    elif origin in config.allowed_origins:
        allowed = origin
    headers = {
        "X-Request-Id": g.get("request_id") or str(uuid.uuid4()),
        "User-Agent": f"Pelican Wings/v{agent_version()} (id:{config.token_id})",
        "Access-Control-Allow-Origin": allowed,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": ALLOWED_METHODS,
        "Access-Control-Allow-Headers": ALLOWED_HEADERS,
        "Access-Control-Max-Age": "7200",
    }
    if config.allow_cors_private_network:
        headers["Access-Control-Request-Private-Network"] = "true"
    return headers


def _render_errors(app: Quart) -> None:
    @app.errorhandler(NodeError)
    async def node_error(error: NodeError) -> Response:
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.warning("request %s: %s", g.get("request_id", "-"), error.message)
        return _error(error.message, error.status)

    @app.errorhandler(HTTPException)
    async def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            await swallow_body()
            return _error(TooLarge().message, status)
        return _error(HTTPStatus(status).phrase, status)

    @app.errorhandler(Exception)
    async def bug(error: Exception) -> Response:
        log.error("request %s failed", g.get("request_id", "-"), exc_info=error)
        return _error("An unexpected error was encountered while processing this request", 500)


def _error(message: str, status: int) -> Response:
    response: Response = jsonify({"error": message, "request_id": g.get("request_id", "")})
    response.status_code = status
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    if not has_request_context():  # a refused websocket handshake: `after_request` does not see it
        response.headers["X-Request-Id"] = g.get("request_id", "")
    return response


def routes_of(app: Quart) -> list[dict[str, Any]]:
    """Method, path, blueprint and kind of access of every route, sorted by path; a websocket begins as a GET."""
    rows = [
        {
            "method": method,
            "path": rule.rule,
            "websocket": rule.websocket,
            "half": rule.endpoint.partition(".")[0],
            "access": "public" if is_public(app, rule.endpoint) else "node_token",
        }
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]
    return sorted(rows, key=lambda row: (row["path"], row["method"]))
