"""What callers see while others keep the database for longer than a statement waits."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import ModuleType

import pytest
from quart.testing.connections import WebsocketDisconnectError, WebsocketResponseError

from muntin.access import Actor
from muntin.app import PanelApp, create_app
from muntin.bus.local import LocalBus
from muntin.call import Call
from muntin.configuration import Configuration
from muntin.database import execute, transaction
from muntin.database.migrations import migrate
from muntin.panel import Panel
from muntin.plugins.breaker import FAILURES
from muntin.plugins.discovery import Manifest
from muntin.plugins.loading import LoadedPlugin
from muntin.roles.models import ADMIN_ID
from muntin.roles.seeding import seed_roles
from muntin.routing import Routes
from muntin.testing.callers import Caller, People

NAME = "writes"
CHANGE = "UPDATE core_role SET description = description"
routes = Routes(dialect="native", prefix=f"/api/v1/{NAME}")


@routes.post("/statement")
async def run_statement(actor: Actor) -> dict[str, str]:
    """Write outside of a transaction."""
    await execute(CHANGE)
    return {}


@routes.post("/transaction")
async def run_transaction(actor: Actor) -> dict[str, str]:
    """Write in one."""
    async with transaction():
        await execute(CHANGE)
    return {}


@routes.websocket("/before")
async def write_before(actor: Actor, call: Call) -> None:
    """Write, then accept."""
    await execute(CHANGE)
    assert call.socket is not None
    await call.socket.accept()


@routes.websocket("/after")
async def write_after(actor: Actor, call: Call) -> None:
    """Accept, then write."""
    assert call.socket is not None
    await call.socket.accept()
    await execute(CHANGE)


@pytest.fixture(scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PanelApp]:
    """A panel that waits twenty milliseconds for its store, and a plugin that writes."""
    folder = tmp_path_factory.mktemp("panel")
    url = f"sqlite://{folder / 'panel.sqlite3'}?busy_timeout=20&synchronous=OFF"
    configuration = Configuration(data_dir=folder, database_url=url, secret_key="k" * 32, plugins=())
    await migrate(configuration.store_url, Panel(configuration, process="command").apps)
    application = create_app(configuration, bus=LocalBus())
    registry = application.panel.registry
    manifest = Manifest(name=NAME, module=NAME, distribution=NAME, version="1")
    registry.plugins = (*registry.plugins, LoadedPlugin(manifest, ModuleType(NAME), tuple(routes)))
    await application.panel.open()
    await seed_roles()
    registry.switch({*registry.enabled, NAME})
    yield application
    await application.panel.close()


@pytest.fixture(scope="module")
async def admin(app: PanelApp) -> Caller:
    """An administrator, whose every failure would count against the plugin."""
    return await People(app).sign_in("administrator", role_id=ADMIN_ID)


@contextmanager
def busy(app: PanelApp) -> Iterator[None]:
    """While the block runs, somebody else writes."""
    store: Path = app.panel.configuration.data_dir / "panel.sqlite3"
    with closing(sqlite3.connect(store, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@pytest.mark.parametrize("way", ["statement", "transaction"])
async def test_request_that_finds_the_store_busy_is_told_when_to_come_back(
    app: PanelApp, admin: Caller, way: str
) -> None:
    with busy(app):
        refused = await admin.post(f"/api/v1/{NAME}/{way}", {})
    afterwards = await admin.post(f"/api/v1/{NAME}/{way}", {})

    assert (refused.status, refused.code, refused.headers["Retry-After"]) == (503, "database_busy", "1")
    assert afterwards.status == 200


async def test_socket_that_finds_the_store_busy_before_it_accepts_is_refused(app: PanelApp, admin: Caller) -> None:
    with busy(app), pytest.raises(WebsocketResponseError) as refused:
        async with app.test_client().websocket(f"/api/v1/{NAME}/before", headers=admin.headers) as socket:
            await socket.receive()

    response = refused.value.response
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    assert (await response.get_json())["error"]["code"] == "database_busy"


async def test_socket_that_finds_the_store_busy_is_closed_with_try_again_later(app: PanelApp, admin: Caller) -> None:
    with busy(app), pytest.raises(WebsocketDisconnectError) as closed:
        async with app.test_client().websocket(f"/api/v1/{NAME}/after", headers=admin.headers) as socket:
            await socket.receive()

    assert closed.value.args == (1013,)


async def test_busy_store_is_not_counted_against_a_plugin(app: PanelApp, admin: Caller) -> None:
    with busy(app):
        statuses = {(await admin.post(f"/api/v1/{NAME}/statement", {})).status for _ in range(FAILURES + 2)}
    served = await admin.post(f"/api/v1/{NAME}/statement", {})

    assert (statuses, served.status) == ({503}, 200)
