"""A panel with game servers, and the contract of the native API."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from muntin.panel import Panel
from muntin.roles.models import ADMIN_ID, RoleRow
from muntin.routing import Route
from muntin.testing.callers import Caller, People

ROWS = json.loads((Path(__file__).parent / "native.json").read_text())


@dataclass(frozen=True, slots=True)
class Promise:
    """What the contract says of a route that exists.

    Attributes:
        errors: Status and code of each error it lists.
    """

    route: Route
    auth: str
    errors: frozenset[tuple[int, str]]

    @property
    def name(self) -> str:
        """Method and path as the contract writes them."""
        return f"{self.route.method} {shape(self.route.path)}"


def shape(path: str) -> str:
    """A path with its values left open."""
    return re.sub(r"<[^>]+>|\{[^}]+\}", "{}", path)


@pytest.fixture(scope="session")
def panel_plugins() -> Sequence[str]:
    """Game servers, whose routes the contract holds too."""
    return ("gameservers",)


@pytest.fixture(scope="module")
def promises(panel: Panel) -> list[Promise]:
    """Every route of the contract that the panel serves, sockets left out."""
    served = {(route.method, shape(route.path)): route for route in panel.tables.tables["native"].routes}
    known = [row for row in ROWS if (row["method"], shape(row["path"])) in served]
    found = [
        Promise(
            served[row["method"], shape(row["path"])],
            row["auth"],
            frozenset((error["status"], error["code"]) for error in row["errors"]),
        )
        for row in known
    ]
    assert len(found) > 90
    return [one for one in found if one.route.method != "WS"]


@pytest.fixture(scope="module")
async def boss(people: People, promises: list[Promise]) -> AsyncIterator[Caller]:
    """An administrator who may ask as often as the tests need."""
    await RoleRow.filter(id=ADMIN_ID).update(rate_limit_multiplier=1000)
    yield await people.sign_in("boss", role_id=ADMIN_ID)


@pytest.fixture
def without_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sign-ins are not counted, so that each of them can be asked for many wrong things."""

    async def uncounted(call: Any) -> None:
        """Counts nothing."""

    monkeypatch.setattr("muntin.api.auth_routes.count_attempt", uncounted)
