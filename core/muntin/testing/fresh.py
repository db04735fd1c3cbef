"""The fixtures of `muntin.testing.fixtures` with a panel and a database for each test rather than each module.

A conftest imports them; they are for tests that look at everything there is (all roles, the whole audit log).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
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
from muntin.testing.fixtures import KEY, URL
from muntin.testing.stores import Store

__all__ = ["admin", "app", "panel", "panel_configuration", "people", "stranger", "user"]


@pytest.fixture
def panel_configuration(store_server: Store, tmp_path: Path) -> Iterator[Configuration]:
    """The configuration of a panel without plugins, on a migrated database of its own."""

    async def prepare(url: str) -> None:
        blank = Configuration(data_dir=tmp_path, database_url=url, secret_key=KEY, plugins=())
        await migrate(blank.store_url, Panel(blank, process="command").apps)

    place = store_server.for_module()
    url = place.prepared("panel:fresh", prepare)
    yield Configuration(data_dir=tmp_path, database_url=url, url=URL, secret_key=KEY, plugins=())
    place.drop()


@pytest.fixture
async def app(panel_configuration: Configuration) -> AsyncIterator[PanelApp]:
    """The application of an open panel, without a server in front of it."""
    application = create_app(panel_configuration, bus=LocalBus())
    await application.panel.open()
    await seed_roles()
    yield application
    await application.panel.close()


@pytest.fixture
def panel(app: PanelApp) -> Panel:
    """The panel behind the application."""
    return app.panel


@pytest.fixture
def people(app: PanelApp) -> People:
    """Makes accounts and signs them in."""
    return People(app)


@pytest.fixture
async def admin(people: People) -> Caller:
    """An administrator who is signed in; the only account."""
    return await people.sign_in("root", role_id=ADMIN_ID)


@pytest.fixture
async def user(people: People) -> Caller:
    """A plain account that is signed in."""
    return await people.sign_in("somebody")


@pytest.fixture
def stranger(people: People) -> Caller:
    """Somebody without an account."""
    return people.stranger()
