"""Browsers without a browser, on a panel without plugins; and a real one, on a panel that is served."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from muntin.app import PanelApp
from muntin.roles.models import ADMIN_ID
from muntin.testing.browsing import chromium
from muntin.testing.callers import People
from muntin.testing.visitors import Shown, Visitor, visitor

from .served import served_panel

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


@pytest.fixture(scope="module")
async def url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Where a panel listens that the tests of one file share."""
    async with served_panel(tmp_path_factory.mktemp("served")) as address:
        yield address


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Chromium."""
    async with chromium() as opened:
        yield opened
