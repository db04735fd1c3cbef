"""What the contract says of the routes that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from muntin.routing import WEBSOCKET, Route

CONTRACT: Mapping[str, Any] = json.loads((Path(__file__).parent / "native.json").read_text())


@dataclass(frozen=True, slots=True)
class Promise:
    """What the contract says of one route.

    Attributes:
        path: As the contract writes it, `/api/v1/servers/{id}`.
        auth: `bearer` or `none`.
        body, query: Names of the fields that are taken.
        status, answer: Of success; see `shapes` for what the answer is made of.
        errors: Status and code of each error it lists.
    """

    route: Route
    path: str
    auth: str
    permission: str | None
    body: Sequence[str]
    query: Sequence[str]
    status: int
    answer: Any
    errors: frozenset[tuple[int, str]]

    @property
    def name(self) -> str:
        """Method and path as the contract writes them."""
        return f"{self.route.method} {self.path}"


def shape(path: str) -> str:
    """A path with its values left open."""
    return re.sub(r"<[^>]+>|\{[^}]+\}", "{}", path)


def kept(routes: Iterable[Route]) -> list[Promise]:
    """The contract's rows of the routes that are served, sockets included."""
    served = {(route.method, shape(route.path)): route for route in routes}
    rows = [(served.get((row["method"], shape(row["path"]))), row) for row in CONTRACT["routes"]]
    return [_promise(route, row) for route, row in rows if route is not None]


def _promise(route: Route, row: Mapping[str, Any]) -> Promise:
    errors = (one.partition(" ") for one in row["errors"])
    return Promise(
        route=route,
        path=row["path"],
        auth=row["auth"],
        permission=row["permission"],
        body=row["body"],
        query=row["query"],
        status=row["status"],
        answer=row["answer"],
        errors=frozenset((int(status), code) for status, _space, code in errors),
    )


def has_address(promise: Promise) -> bool:
    """Whether it is asked by HTTP; a websocket is opened."""
    return promise.route.method != WEBSOCKET
