"""A panel with game servers, and the contract of the native API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from muntin.panel import Panel
from muntin.roles.models import ADMIN_ID, RoleRow
from muntin.testing.callers import Caller, People

from .promises import Promise, has_address, kept
from .world import World, made_world


@pytest.fixture(scope="session")
def panel_plugins() -> Sequence[str]:
    """Game servers, whose routes the contract holds too."""
    return ("gameservers",)


@pytest.fixture(scope="module")
def promises(panel: Panel) -> list[Promise]:
    """Every route of the contract that the panel serves, sockets left out."""
    found = kept(panel.tables.tables["native"].routes)
    assert len(found) >= 97
    return [one for one in found if has_address(one)]


@pytest.fixture(scope="module")
async def world(panel: Panel, people: People) -> AsyncIterator[World]:
    """The panel with all that the tables need."""
    async with made_world(panel, people) as made:
        yield made


@pytest.fixture(scope="module")
async def boss(people: People) -> AsyncIterator[Caller]:
    """An administrator who may ask as often as the tests need."""
    await RoleRow.filter(id=ADMIN_ID).update(rate_limit_multiplier=1000)
    yield await people.sign_in("boss", role_id=ADMIN_ID)


@pytest.fixture
def without_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sign-ins are not counted, so that each of them can be asked for many wrong things."""

    async def uncounted(call: Any) -> None:
        """Counts nothing."""

    monkeypatch.setattr("muntin.api.auth_routes.count_attempt", uncounted)
