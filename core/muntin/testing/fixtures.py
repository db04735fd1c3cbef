"""Fixtures for tests of the core and of plugins; pytest finds them through the entry point `pytest11`.

panel      an open panel in this process, on a migrated database of its own
client, admin, user, stranger    callers of its API: administrator (twice), a plain account, nobody
visitor    a plain account with a browser
account, people, actor    accounts and what one can be as one
clock, outbox, mailbox, node     time, events and jobs, mails, an agent
forks      commands in processes of their own
store      a fresh, empty database
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from muntin.access import Actor
from muntin.app import PanelApp, create_app
from muntin.bus.local import LocalBus
from muntin.clock import running_on
from muntin.configuration import Configuration
from muntin.contributions import NodeHalfNeeded
from muntin.database.migrations import migrate
from muntin.panel import Panel
from muntin.roles.models import ADMIN_ID
from muntin.roles.seeding import seed_roles
from muntin.testing.accounts import Accounts
from muntin.testing.asynchronous import fixture
from muntin.testing.callers import Caller, People
from muntin.testing.clock import Clock
from muntin.testing.forks import Forks, open_forks
from muntin.testing.mailbox import Mailbox, open_mailbox
from muntin.testing.nodes import RunningNode, open_node
from muntin.testing.options import add_options, panel_scope, plugins_under_test, stores
from muntin.testing.outbox import Outbox
from muntin.testing.stores import Store, store, store_server
from muntin.testing.visitors import Visitor

__all__ = [
    "account", "actor", "admin", "app", "attack_targets", "client", "clock", "forks", "mailbox", "node", "outbox",
    "panel", "panel_configuration", "panel_plugins", "people", "store", "store_server", "stranger", "user", "visitor",
]  # fmt: skip

URL = "https://panel.example.test"
KEY = "a-key-for-tests-0123456789abcdef"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Called by pytest."""
    add_options(parser)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Called by pytest: whatever stands on a database runs once on each."""
    itself = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")]
    if "store_server" in metafunc.fixturenames and "store_server" not in itself:
        metafunc.parametrize("store_server", stores(metafunc.config), indirect=True, scope="session")


@pytest.fixture(scope="session")
def panel_plugins(pytestconfig: pytest.Config) -> Sequence[str] | None:
    """Which plugins the panel loads: `None` for all that are installed; override it to say otherwise."""
    return plugins_under_test(pytestconfig)


@pytest.fixture(scope=panel_scope)
def panel_configuration(
    store_server: Store, panel_plugins: Sequence[str] | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Configuration]:
    """The configuration of the panel, on a migrated database of its own."""
    folder: Path = tmp_path_factory.mktemp("panel")
    plugins = None if panel_plugins is None else tuple(panel_plugins)
    place = store_server.for_module()

    async def prepare(url: str) -> None:
        blank = Configuration(data_dir=folder, database_url=url, secret_key=KEY, plugins=plugins)
        await migrate(blank.store_url, Panel(blank, process="command").apps)

    url = place.prepared(f"panel:{plugins}", prepare)
    yield Configuration(data_dir=folder, database_url=url, url=URL, secret_key=KEY, plugins=plugins)
    place.drop()


@fixture(scope=panel_scope)
async def app(panel_configuration: Configuration) -> AsyncIterator[PanelApp]:
    """The application of an open panel, without a server in front of it."""
    application = create_app(panel_configuration, bus=LocalBus())
    for failure in application.panel.registry.failed:
        pytest.fail(f"The plugin {failure.plugin} could not be loaded: {failure.reason}")
    await application.panel.open()
    await seed_roles()
    yield application
    await application.panel.close()


@pytest.fixture(scope=panel_scope)
def panel(app: PanelApp) -> Panel:
    """The panel behind the application."""
    return app.panel


@pytest.fixture(scope=panel_scope)
def people(app: PanelApp) -> People:
    """Makes accounts and signs them in."""
    return People(app)


@pytest.fixture(scope=panel_scope)
def account(app: PanelApp, people: People) -> Accounts:
    """Makes accounts: `await account("ada")`, and callers, visitors and actors of them."""
    return Accounts(app, people)


@fixture(scope=panel_scope)
async def admin(people: People) -> Caller:
    """An administrator who is signed in."""
    return await people.sign_in("administrator", role_id=ADMIN_ID)


@pytest.fixture(scope=panel_scope)
def client(admin: Caller) -> Caller:
    """A client of the panel's native API, as an administrator; `account.caller(...)` gives one of somebody else."""
    return admin


@fixture(scope=panel_scope)
async def user(people: People) -> Caller:
    """A plain account that is signed in."""
    return await people.sign_in("somebody")


@pytest.fixture
def stranger(people: People) -> Caller:
    """Somebody without an account."""
    return people.stranger()


@fixture
async def actor(account: Accounts) -> Actor:
    """The plain account of `user`, as services take it."""
    return await account.actor("somebody")


@fixture
async def visitor(account: Accounts) -> Visitor:
    """The plain account of `user`, with a browser."""
    return await account.visitor("somebody")


@pytest.fixture
def clock() -> Iterator[Clock]:
    """Stands still until it is advanced; jobs, crons and retries obey it."""
    made = Clock()
    with running_on(made):
        yield made


@fixture
async def outbox(panel: Panel, clock: Clock) -> Outbox:
    """Events that were recorded; `await outbox.relay()` delivers them and runs the jobs that are due."""
    made = Outbox(panel)
    await made.begin()
    return made


@fixture
async def mailbox(client: Caller) -> AsyncIterator[Mailbox]:
    """A real mail server that the panel sends its mails to; `await outbox.relay()` sends what is waiting."""
    async with open_mailbox() as opened:
        answer = await client.put("/api/v1/admin/settings", {"mail": opened.settings})
        if answer.status != 200:
            pytest.fail(f"The mail settings were refused: {answer.body}")
        yield opened


@fixture
async def node(app: PanelApp, tmp_path: Path) -> AsyncIterator[RunningNode]:
    """A node that is online: the real agent with the halves of the loaded plugins, over real sockets."""
    halves = [one.name for one in app.panel.registry.of(NodeHalfNeeded)]
    async with open_node(app, tmp_path / "node", halves) as running:
        yield running


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """Runs commands in processes of their own that start at once: `await forks.run("-m", "muntin.cli", ...)`."""
    with open_forks() as opened:
        yield opened


@pytest.fixture
def attack_targets() -> dict[str, object]:
    """Path value name -> id of something that belongs to no attacker; override it for what routes cannot make."""
    return {}
