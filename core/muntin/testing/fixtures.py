"""Fixtures for tests of the core and of plugins; pytest finds them through the entry point `pytest11`.

store      a fresh database; tests that take it run on SQLite and on PostgreSQL
panel      an open panel on a migrated database, one for each test module and store
people     makes accounts and signs them in
admin, user, stranger    callers: an administrator, a plain account, nobody
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from muntin.app import PanelApp, create_app
from muntin.bus.local import LocalBus
from muntin.configuration import Configuration
from muntin.database.migrations import migrate
from muntin.panel import Panel
from muntin.roles.models import ADMIN_ID
from muntin.roles.seeding import seed_roles
from muntin.testing.callers import Caller, People
from muntin.testing.stores import Store, store, store_server

__all__ = ["admin", "app", "panel", "panel_configuration", "panel_plugins", "people", "store", "store_server",
           "stranger", "user"]  # fmt: skip

URL = "https://panel.example.test"
KEY = "a-key-for-tests-0123456789abcdef"


@pytest.fixture(scope="session")
def panel_plugins() -> Sequence[str] | None:
    """Which plugins the panel loads: `None` for all that are installed; override it to say otherwise."""
    return None


@pytest.fixture(scope="module")
def panel_configuration(
    store_server: Store, panel_plugins: Sequence[str] | None, tmp_path_factory: pytest.TempPathFactory
) -> Configuration:
    """The configuration of the module's panel, on a migrated database of its own."""
    folder: Path = tmp_path_factory.mktemp("panel")
    plugins = None if panel_plugins is None else tuple(panel_plugins)

    async def prepare(url: str) -> None:
        blank = Configuration(data_dir=folder, database_url=url, secret_key=KEY, plugins=plugins)
        await migrate(blank.store_url, Panel(blank, process="command").apps)

    url = store_server.prepared(f"panel:{plugins}", prepare)
    return Configuration(data_dir=folder, database_url=url, url=URL, secret_key=KEY, plugins=plugins)


@pytest.fixture(scope="module")
async def app(panel_configuration: Configuration) -> AsyncIterator[PanelApp]:
    """The application of an open panel, without a server in front of it."""
    application = create_app(panel_configuration, bus=LocalBus())
    for failure in application.panel.registry.failed:
        pytest.fail(f"The plugin {failure.plugin} could not be loaded: {failure.reason}")
    await application.panel.open()
    await seed_roles()
    yield application
    await application.panel.close()


@pytest.fixture(scope="module")
def panel(app: PanelApp) -> Panel:
    """The panel behind the application."""
    return app.panel


@pytest.fixture(scope="module")
def people(app: PanelApp) -> People:
    """Makes accounts and signs them in."""
    return People(app)


@pytest.fixture(scope="module")
async def admin(people: People) -> Caller:
    """An administrator who is signed in."""
    return await people.sign_in("administrator", role_id=ADMIN_ID)


@pytest.fixture(scope="module")
async def user(people: People) -> Caller:
    """A plain account that is signed in."""
    return await people.sign_in("somebody")


@pytest.fixture
def stranger(people: People) -> Caller:
    """Somebody without an account."""
    return people.stranger()
