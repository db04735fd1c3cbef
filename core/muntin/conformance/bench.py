"""A throw-away panel that is open, with people who ask it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from muntin.app import PanelApp, create_app
from muntin.bus.local import LocalBus
from muntin.configuration import Configuration
from muntin.conformance.loaded import Loaded
from muntin.contributions import Route
from muntin.database.migrations import migrate
from muntin.roles.models import ADMIN_ID, RoleRow
from muntin.roles.seeding import seed_roles
from muntin.testing.callers import Caller, People
from muntin.testing.probing import Targets, make_targets

URL = "https://panel.example.test"
KEY = "of-a-panel-that-is-thrown-away-0123456789"


@dataclass(frozen=True, slots=True)
class Bench:
    """What the checks of a running plugin work with.

    Attributes:
        loaded: The plugin, as loaded by this panel.
        admin: An administrator who may ask as often as a generator does.
        owner: A plain account; the targets belong to it where it may make them.
        routes: The plugin's routes of the native API.
    """

    app: PanelApp
    loaded: Loaded
    people: People
    admin: Caller
    owner: Caller
    routes: tuple[Route, ...]
    targets: Targets


def configuration(folder: Path, plugins: tuple[str, ...]) -> Configuration:
    """Of a panel in a folder of its own."""
    url = f"sqlite://{folder / 'panel.sqlite3'}?busy_timeout=5000&synchronous=OFF"
    return Configuration(data_dir=folder, database_url=url, url=URL, secret_key=KEY, plugins=plugins)


@asynccontextmanager
async def open_bench(loaded: Loaded) -> AsyncIterator[Bench]:
    """Migrate, open, sign people in and make targets; everything is gone with the folder."""
    settings = loaded.panel.configuration
    await migrate(settings.store_url, loaded.panel.apps)
    app = create_app(settings, bus=LocalBus())
    app.panel.process = "command"  # nothing of the plugin's starts by itself; `switching` starts and stops it
    await app.panel.open()
    try:
        await seed_roles()
        yield await _bench(app, loaded)
    finally:
        await app.panel.close()


async def _bench(app: PanelApp, loaded: Loaded) -> Bench:
    people = People(app)
    await RoleRow.all().update(rate_limit_multiplier=1000)
    admin = await people.sign_in("administrator", role_id=ADMIN_ID)
    owner = await people.sign_in("owner")
    table = app.panel.tables.tables["native"]
    routes = tuple(one for one in table.routes if one.plugin == loaded.name)
    plugin = next(one for one in app.panel.registry.plugins if one.name == loaded.name)
    targets = await make_targets(routes, owner, admin, {})
    return Bench(app, Loaded(loaded.subject, app.panel, plugin), people, admin, owner, routes, targets)
