"""An open database with the tables of the events package, fresh for each test, on both stores."""

from __future__ import annotations

import importlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from muntin.database import App, close_database, open_database
from muntin.database.migrations import make_migrations, migrate
from muntin.testing.stores import Store

_PACKAGE = "migrations_of_events"


@pytest.fixture(scope="session")
def events_app(tmp_path_factory: pytest.TempPathFactory) -> App:
    """The events tables as an app of their own, with migrations written for this session."""
    folder: Path = tmp_path_factory.mktemp("events")
    (folder / _PACKAGE).mkdir()
    (folder / _PACKAGE / "__init__.py").touch()
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    return App("core", "muntin.events.models", _PACKAGE)


@pytest.fixture
def store_url(store: Store, events_app: App) -> str:
    async def prepare(url: str) -> None:
        await make_migrations([events_app], "core")
        await migrate(url, [events_app])

    return store.prepared("events", prepare)


@pytest.fixture
async def database(store_url: str, events_app: App) -> AsyncIterator[str]:
    await open_database(store_url, [events_app])
    yield store_url
    await close_database()
