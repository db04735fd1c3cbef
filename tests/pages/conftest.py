"""Browsers without a browser, on a panel without plugins."""

from __future__ import annotations

import pytest

from muntin.app import PanelApp
from muntin.roles.models import ADMIN_ID
from muntin.testing.callers import People
from muntin.testing.visitors import Shown, Visitor, visitor

__all__ = ["Shown", "Visitor", "visitor"]


@pytest.fixture
async def boss(people: People, app: PanelApp) -> Visitor:
    """An administrator with a browser."""
    return await visitor(people, app, "boss", ADMIN_ID)


@pytest.fixture
async def guest(people: People, app: PanelApp) -> Visitor:
    """A plain account with a browser."""
    return await visitor(people, app, "guest")


@pytest.fixture
def nobody(app: PanelApp) -> Visitor:
    """A browser of a stranger."""
    return Visitor(app)
