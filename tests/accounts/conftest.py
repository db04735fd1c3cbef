"""A panel with an open database and no server in front of it, asked through its ASGI application."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from muntin.accounts.models import AccountRow
from muntin.app import PanelApp, create_app
from muntin.configuration import Configuration
from muntin.database import App
from muntin.database.migrations import make_migrations, migrate
from muntin.encryption import Encryption
from muntin.mail.models import MailRow
from muntin.roles.seeding import seed_roles
from muntin.settings.models import SettingRow
from muntin.testing.callers import PASSWORD, Answer, Caller
from muntin.testing.callers import People as EverybodyElse
from muntin.testing.stores import Store, store, store_server

__all__ = ["PASSWORD", "Answer", "Caller", "store", "store_server"]

KEY = "a-key-for-tests-0123456789abcdef"
URL = "https://panel.example.test"


class People(EverybodyElse):
    """The same, with a name for those who need none in particular."""

    async def add(self, username: str = "ada", **account: Any) -> AccountRow:
        return await super().add(username, **account)

    async def sign_in(self, username: str = "ada", **account: Any) -> Caller:
        return await super().sign_in(username, **account)

    def program(self, key: str, address: str = "198.51.100.1") -> Caller:
        """Whoever holds an API key."""
        return self.bearer(key, address)


@pytest.fixture(scope="session")
def core_migrations(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The panel's migrations, or ones written for this session while there are none."""
    if importlib.util.find_spec("muntin.migrations") is not None:
        return "muntin.migrations"
    folder: Path = tmp_path_factory.mktemp("migrations")
    (folder / "migrations_of_core").mkdir()
    (folder / "migrations_of_core" / "__init__.py").touch()
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    return "migrations_of_core"


@pytest.fixture
def configuration(store: Store, core_migrations: str, tmp_path: Path) -> Configuration:
    async def prepare(url: str) -> None:
        from muntin.core_plugin import MODELS

        apps = [App("core", MODELS, core_migrations)]
        if core_migrations != "muntin.migrations":
            await make_migrations(apps, "core")
        await migrate(url, apps)

    url = store.prepared("core", prepare)
    return Configuration(
        data_dir=tmp_path, database_url=url, url=URL, secret_key=KEY, plugins=(), trusted_proxies=("127.0.0.1",)
    )


@pytest.fixture
async def app(configuration: Configuration) -> AsyncIterator[PanelApp]:
    app = create_app(configuration)
    await app.panel.open()
    await seed_roles()
    yield app
    await app.panel.close()


@pytest.fixture
def people(app: PanelApp) -> People:
    return People(app)


@pytest.fixture
async def ada(people: People) -> Caller:
    """Somebody who is signed in."""
    return await people.sign_in("ada")


@pytest.fixture
def stranger(people: People) -> Caller:
    return people.stranger()


ChangeSettings = Callable[..., Awaitable[None]]


@pytest.fixture
def change_settings(app: PanelApp) -> ChangeSettings:
    """Store plain values of a section, as if an administrator had set them."""

    async def change(section: str, **values: object) -> None:
        row, _made = await SettingRow.get_or_create(section=section)
        row.values = {**row.values, **values}
        await row.save()
        await app.panel.settings.reload()

    return change


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that waits to be sent."""

    template: str
    to: str
    values: Mapping[str, Any]

    @property
    def token(self) -> str:
        from urllib.parse import parse_qs, urlsplit

        return parse_qs(urlsplit(str(self.values["url"])).query)["token"][0]


@pytest.fixture
def mails(app: PanelApp) -> Callable[[], Awaitable[list[Mail]]]:
    """What was queued so far, oldest first."""
    import json

    async def read() -> list[Mail]:
        encryption = Encryption(KEY.encode())
        found = await MailRow.all().order_by("created_at", "id")
        return [
            Mail(
                row.template,
                row.to_address,
                json.loads(encryption.decrypt(row.values, f"mail:{row.id}")) if row.values else {},
            )
            for row in found
        ]

    return read
