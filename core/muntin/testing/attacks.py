"""Attacks generated from the route table: every route, every kind of caller that must not get through.

Import `attack_cases` in a test and run each; routes of new plugins are attacked without anyone writing a
test for them. The families are those by which panels were really broken: wrong owner, role, scope or
node, and keys that smuggle values in.

`hostile_bodies`, `hostile_queries` and `hostile_paths` do the same for input: every field of every route with values
that broke other panels; `faults` sends them and tells which the panel did not stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from muntin.routing import WEBSOCKET, Route
from muntin.testing.hostile import Hostile, faults, hostile_bodies, hostile_paths, hostile_queries
from muntin.testing.samples import filled, sample

__all__ = [
    "REFUSED",
    "Attack",
    "Hostile",
    "attack_cases",
    "faults",
    "filled",
    "hostile_bodies",
    "hostile_paths",
    "hostile_queries",
    "sample",
]

REFUSED: Mapping[str, frozenset[int]] = {
    "stranger": frozenset({401}),
    "half signed in": frozenset({401}),
    "suspended": frozenset({401, 403}),
    "key without scope": frozenset({403}),
    "node": frozenset({401}),
    "other account": frozenset({403, 404}),
    "moderator": frozenset({403, 404}),
}
"""What each kind of caller may be answered: nobody of them anything but a refusal."""

OWN = ("account.", "store.", "billing.")


@dataclass(frozen=True, slots=True)
class Attack:
    """One request that must be refused.

    Attributes:
        caller: A key of `REFUSED`.
        path: The route's path, filled in.
        body: Valid as far as the model says, so that the refusal is about the caller.
    """

    route: Route
    caller: str
    path: str
    body: Any

    @property
    def label(self) -> str:
        """For test ids."""
        return f"{self.caller}: {self.route.method} {self.route.path}"


def attack_cases(routes: Iterable[Route], values: Mapping[str, object], held: Mapping[str, Any]) -> Iterator[Attack]:
    """Every attack on the routes of one dialect.

    Args:
        values: Path value name -> id of something that exists and belongs to none of the callers.
        held: Kind of caller -> `Grants` of its role, to leave out what it may rightly do.
    """
    for route in routes:
        if route.permission is None or route.method == WEBSOCKET or route.guard is None:
            continue
        path = filled(route.path, values)
        body = sample(route.body) if route.body else None
        for caller in REFUSED:
            if not _rightly(route, caller, held):
                yield Attack(route, caller, path, body)


def _rightly(route: Route, caller: str, held: Mapping[str, Any]) -> bool:
    """Whether this caller may use the route, so that there is nothing to refuse."""
    if caller not in held:
        return False
    guard = route.guard
    if guard is not None and guard.own:  # whoever owns nothing is shown nothing; keys need the scope
        return caller != "key without scope" or all(held[caller].allow(one) for one in guard.permissions)
    if guard is None or (guard.on is not None and not (guard.permission or "").startswith("admin.")):
        return guard is not None and (guard.permission or "").startswith(OWN)
    return all(held[caller].allow(permission) for permission in guard.permissions)
