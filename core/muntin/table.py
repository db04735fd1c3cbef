"""The routes of the enabled plugins, as one table per dialect; built anew and swapped when the set changes.

A route of a disabled plugin is simply not in the table: no gate, no leftovers, and the same path in
two dialects never meets.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any

from quart import Request, Websocket
from werkzeug.exceptions import MethodNotAllowed as NoSuchMethod
from werkzeug.exceptions import NotFound as NoSuchPath
from werkzeug.routing import Map, RequestRedirect, Rule, WebsocketMismatch

from muntin.dialects import Dialect
from muntin.errors import MethodNotAllowed, NotFound
from muntin.plugins import CORE
from muntin.plugins.boundaries import running
from muntin.routing import WEBSOCKET, Route

log = logging.getLogger("muntin.requests")


class RouteTable:
    """Every route of one dialect."""

    def __init__(self, dialect: Dialect, routes: Iterable[Route], plugin: str = CORE) -> None:
        self.dialect = dialect
        self.plugin = plugin  # the dialect's
        self.routes = tuple(routes)
        # Redirects would answer before the dialect could; a wrong slash is a wrong path.
        self._map = Map(map(_rule, self.routes), strict_slashes=False, merge_slashes=False, redirect_defaults=False)
        self._adapter = self._map.bind("panel")

    def claims(self, request: Request | Websocket) -> bool:
        """Whether the dialect takes the request; one that fails to say so does not."""
        if self.plugin == CORE:
            return self.dialect.claims(request)
        try:
            with running(self.plugin, f"dialect {self.dialect.name}: claims", source="claims"):
                return bool(self.dialect.claims(request))
        except Exception:
            log.exception("The dialect %s of plugin %s cannot say what it claims", self.dialect.name, self.plugin)
            return False

    def find(self, path: str, method: str) -> tuple[Route, Mapping[str, Any]]:
        """The route for a path and verb (`WS` for websockets), with the values found in the path.

        Raises:
            NotFound: No route has this path.
            MethodNotAllowed: The path has routes, for other verbs.
        """
        if "\0" in path:  # no name or id holds it, and PostgreSQL refuses to compare with it
            raise NotFound
        websocket = method == WEBSOCKET
        try:
            return self._adapter.match(path, "GET" if websocket else method, websocket=websocket)
        except NoSuchMethod as error:
            raise MethodNotAllowed(tuple(error.valid_methods or ())) from None
        except (NoSuchPath, WebsocketMismatch, RequestRedirect):
            raise NotFound from None


def _rule(route: Route) -> Rule:
    if route.method == WEBSOCKET:
        return Rule(route.path, endpoint=route, websocket=True)
    return Rule(route.path, endpoint=route, methods=[route.method])


class RouteTables:
    """The tables of all enabled dialects, and which of them a request belongs to."""

    def __init__(self, dialects: Iterable[tuple[str, Dialect]], routes: Iterable[Route]) -> None:
        """With the plugin of each dialect."""
        by_name: dict[str, list[Route]] = {}
        for route in routes:
            by_name.setdefault(route.dialect, []).append(route)
        self.tables = {
            dialect.name: RouteTable(dialect, by_name.get(dialect.name, ()), plugin) for plugin, dialect in dialects
        }
        self._claims = sorted(
            ((prefix, table) for table in self.tables.values() for prefix in table.dialect.prefixes),
            key=lambda claim: (-len(claim[0]), claim[1].dialect.order),
        )

    def of(self, request: Request | Websocket) -> RouteTable | None:
        """The table of the dialect whose prefix and credential match; `None` when none claims the request."""
        for prefix, table in self._claims:
            if _under(request.path, prefix) and table.claims(request):
                return table
        return None

    @property
    def routes(self) -> tuple[Route, ...]:
        """All routes of all dialects."""
        return tuple(route for table in self.tables.values() for route in table.routes)


def _under(path: str, prefix: str) -> bool:
    return prefix == "/" or path == prefix or path.startswith(f"{prefix}/")


def shape(route: Route) -> tuple[str, str, str]:
    """What makes two routes of a dialect the same: verb and path without the names of its values."""
    return route.dialect, route.method, re.sub(r"<[^>]+>", "<>", route.path)
