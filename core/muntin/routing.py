"""Routes as data: a plugin lists them, dialects serve them, docs and attack tests read them."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, get_type_hints

from pydantic import BaseModel, TypeAdapter

from muntin.access import Guard, guard_of
from muntin.errors import MuntinError

Handler = Callable[..., Awaitable[Any]]
WEBSOCKET = "WS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One address of one dialect.

    Attributes:
        method: An HTTP verb, or `WS` for a websocket.
        path: Whole path with werkzeug converters, `/api/v1/servers/<uuid:server_id>`.
        handler: Parses nothing: gets `actor`, the path's values, and by name what it asks for of
            `body`, `query` and `call` (the request itself).
        service: The service function it calls; its guard is the route's permission.
        body: The pydantic model of the JSON body, `None` for none.
        query: The pydantic model of the query, `None` for none.
        returns: What the handler answers, for the documentation.
        status: The HTTP status of success.
        idempotent: Whether `Idempotency-Key` is honoured.
        errors: What may go wrong beyond what holds for every route.
        streams: The answer is long-lived (events, downloads); no time limit applies.
        form: The body is an HTML form rather than JSON.
        timeout_s: So long a plugin's handler and the rendering of its answer may take, streams and websockets aside.
        max_body_bytes: How large a body may be, `None` for the dialect's limit. A route that has this and no `body`
            reads `call.body` itself.
    """

    method: str
    path: str
    handler: Handler
    dialect: str
    service: Callable[..., Any] | None = None
    body: type[BaseModel] | None = None
    body_name: str = ""
    query: type[BaseModel] | None = None
    query_name: str = ""
    returns: Any = None
    status: int = 200
    summary: str = ""
    tags: tuple[str, ...] = ()
    idempotent: bool = False
    errors: tuple[type[MuntinError], ...] = ()
    streams: bool = False
    form: bool = False
    max_body_bytes: int | None = None
    timeout_s: float = 60.0
    wants_actor: bool = False
    wants_call: bool = False
    plugin: str = ""

    @property
    def guard(self) -> Guard | None:
        """The rule of the service behind the route."""
        return guard_of(self.service)

    @property
    def permission(self) -> str | None:
        """The permission (or pattern) that the route needs; `None` when it is open to all."""
        return self.guard.permission if self.guard else None

    @property
    def endpoint(self) -> str:
        """Stable name for links: plugin and handler, `billing.list_invoices`."""
        return f"{self.plugin}.{self.handler.__name__}"

    def owned_by(self, plugin: str) -> Route:
        """The same route, named after the plugin that contributed it."""
        return replace(self, plugin=plugin)


@dataclass(slots=True)
class Routes:
    """A list of routes under one prefix of one dialect, filled by decorators.

    Example:
        routes = Routes(dialect="native", prefix="/api/v1/billing")

        @routes.get("/invoices/<uuid:invoice_id>", returns=Invoice, service=service.load_invoice)
        async def load_invoice(actor: Actor, invoice_id: UUID) -> Invoice:
            return await service.load_invoice(actor, invoice_id)
    """

    dialect: str
    prefix: str = ""
    tags: tuple[str, ...] = ()
    _routes: list[Route] = field(default_factory=list)

    def __iter__(self) -> Any:
        return iter(self._routes)

    def add(self, method: str, path: str, **options: Any) -> Callable[[Handler], Handler]:
        """Register the decorated handler; `options` are attributes of `Route`."""

        def register(handler: Handler) -> Handler:
            self._routes.append(_route(handler, self, method, path, options))
            return handler

        return register

    def get(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        """A route that reads."""
        return self.add("GET", path, **options)

    def post(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        """A route that creates or acts."""
        return self.add("POST", path, **options)

    def put(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        """A route that replaces."""
        return self.add("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        """A route that changes parts."""
        return self.add("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        """A route that removes; answers 204 unless told otherwise."""
        return self.add("DELETE", path, **{"status": 204, **options})

    def websocket(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        """A websocket; the handler accepts it with `quart.websocket.accept()`."""
        return self.add(WEBSOCKET, path, **options)


def _route(handler: Handler, routes: Routes, method: str, path: str, options: dict[str, Any]) -> Route:
    """Read from the handler's signature what it wants to be given."""
    hints = get_type_hints(handler)
    names = [name for name in inspect.signature(handler).parameters if name in hints]
    body, query = options.get("body"), options.get("query")
    summary = options.pop("summary", None) or inspect.getdoc(handler) or ""
    return Route(
        method=method,
        path=routes.prefix + path,
        handler=handler,
        dialect=routes.dialect,
        summary=summary.split("\n\n")[0].replace("\n", " "),
        tags=options.pop("tags", routes.tags),
        body_name=_named(names, hints, body),
        query_name=_named(names, hints, query),
        wants_actor="actor" in names,
        wants_call="call" in names,
        **options,
    )


def _named(names: Sequence[str], hints: dict[str, Any], kind: type[BaseModel] | None) -> str:
    """The parameter annotated with the model, so that handlers may name it after what it is."""
    if kind is None:
        return ""
    for name in names:
        if hints[name] is kind:
            return name
    raise TypeError(f"The handler has no parameter of type {kind.__name__}, which its route declares.")


def returned_type(route: Route) -> TypeAdapter[Any] | None:
    """A pydantic view of what the route answers, for schemas; `None` for an empty answer."""
    return None if route.returns is None else TypeAdapter(route.returns)
