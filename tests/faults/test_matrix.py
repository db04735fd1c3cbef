"""Every kind of contribution with every fault, in one process, while others use the panel."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from muntin.app import PanelApp, create_app
from muntin.bus.local import LocalBus
from muntin.configuration import Configuration
from muntin.database.migrations import migrate
from muntin.panel import Panel
from muntin.plugins.breaker import FAILURES
from muntin.plugins.models import PluginRow
from muntin.roles.models import ADMIN_ID, RoleRow
from muntin.roles.seeding import seed_roles
from muntin.testing.callers import Caller, People
from muntin.testing.faults import injected, run_matrix, table_of
from muntin.testing.faults_exercises import exercises
from muntin.testing.faults_injected import FAULTS
from muntin.testing.waiting import until

from .conftest import Show
from .packages import install

pytestmark = pytest.mark.timeout(300)
NAME = "every_kind"
RAISES = FAULTS[0]


@pytest.fixture(scope="module")
def plugin_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A plugin with a contribution of every kind, on the path."""
    folder = tmp_path_factory.mktemp("plugins")
    install(folder, NAME)
    sys.path.append(str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
async def app(plugin_path: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PanelApp]:
    """A panel with that plugin."""
    configuration = Configuration(data_dir=tmp_path_factory.mktemp("panel"), secret_key="k" * 32, plugins=(NAME,))
    await migrate(configuration.store_url, Panel(configuration, process="command").apps)
    application = create_app(configuration, bus=LocalBus())
    assert application.panel.registry.failed == ()
    await application.panel.open()
    await seed_roles()
    await RoleRow.all().update(rate_limit_multiplier=10_000)
    yield application
    await application.panel.close()


@pytest.fixture(scope="module")
async def admin(app: PanelApp) -> Caller:
    """An administrator."""
    return await People(app).sign_in("administrator", role_id=ADMIN_ID)


async def test_nobody_else_loses_a_request_whatever_a_contribution_does(
    app: PanelApp, admin: Caller, show: Show
) -> None:
    cells = await run_matrix(app, admin, NAME)

    show("Faults of contributions (what the plugin's own caller got; lost requests of others)", *table_of(cells))
    assert [cell for cell in cells if not cell.is_fine] == []
    assert {cell.outcome for cell in cells if cell.fault == "raises" and cell.contribution.startswith("route GET")} == {
        "500"
    }
    assert {
        cell.outcome for cell in cells if cell.fault == "async sleep" and cell.contribution.startswith("route GET")
    } == {"504"}


async def test_plugin_that_fails_again_and_again_is_quarantined_and_enabled_with_one_call(
    app: PanelApp, admin: Caller
) -> None:
    route = next(one for one in exercises(app.panel, NAME) if one.name.endswith("/api/v1/every_kind/things"))

    with injected(app.panel, NAME, route, RAISES):
        statuses = [(await admin.get(f"/api/v1/{NAME}/things")).status for _ in range(FAILURES)]
        await until(lambda: NAME not in app.panel.registry.enabled)
    row = await PluginRow.get(name=NAME)
    gone = (await admin.get(f"/api/v1/{NAME}/things")).status

    assert statuses == [500] * FAILURES
    assert (row.state, gone) == ("quarantined", 404)
    assert row.reason == (
        f"It failed {FAILURES} times within 60 s; {FAILURES} times: "
        f"route GET /api/v1/{NAME}/things: ByDesign: by design"
    )
    await _enable(app)


async def test_one_account_cannot_have_a_plugin_quarantined(app: PanelApp) -> None:
    people = People(app)
    somebody = await people.sign_in("somebody")
    route = next(one for one in exercises(app.panel, NAME) if one.name.endswith("/api/v1/every_kind/things"))

    with injected(app.panel, NAME, route, RAISES):
        statuses = {(await somebody.get(f"/api/v1/{NAME}/things")).status for _ in range(FAILURES * 5)}

    assert statuses == {500}
    assert NAME in app.panel.registry.enabled


async def test_refusals_are_never_counted(app: PanelApp, admin: Caller) -> None:
    statuses = {(await admin.post(f"/api/v1/{NAME}/things", {})).status for _ in range(FAILURES * 2)}

    assert statuses == {405}
    assert NAME in app.panel.registry.enabled


async def _enable(app: PanelApp) -> None:
    await PluginRow.filter(name=NAME).update(state="enabled", reason="")
    await app.panel.reload_plugins()
