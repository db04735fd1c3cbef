"""Databases to test on: every test that takes `store` runs once on SQLite and once on PostgreSQL.

PostgreSQL comes from `MUNTIN_TEST_POSTGRES_URL` (a server on which databases may be created), or from Debian's
binaries, with which a cluster of its own is started for the session. Where there is neither, those tests are skipped
with a reason; with `CI=true` they fail.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar
from urllib.parse import urlsplit

import asyncpg
import pytest

from muntin.database.identifiers import uuid7
from muntin.testing.free_ports import free_port
from muntin.testing.schemas import sqlite_path

Answer = TypeVar("Answer")
StoreKind = Literal["sqlite", "postgresql"]

_BINARIES = Path("/usr/lib/postgresql")
_SETTINGS = (
    "fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200", "max_wal_size=256MB",
)  # fmt: skip
_MEMORY = Path("/dev/shm")  # noqa: S108 - only asked whether it is there
_ROOM_BYTES = 2 * 1024**3


@dataclass(slots=True)
class Store:
    """Somewhere to make databases, and one fresh and empty database: `url`."""

    kind: StoreKind
    folder: Path  # of SQLite's files; also free for what belongs to this database
    server: str = ""  # of PostgreSQL, without a database
    url: str = ""
    _templates: dict[str, str] = field(default_factory=dict)  # shared by the copies for single modules
    _made: list[str] = field(default_factory=list)

    def empty(self) -> str:
        """The address of another new, empty database."""
        url = self._create()
        self._made.append(url)
        return url

    def prepared(self, key: str, prepare: Callable[[str], Coroutine[Any, Any, object]]) -> str:
        """The address of a new copy of a database that `prepare(url)` fills once per session.

        Args:
            key: Names the preparation; the same key is the same content.
        """
        if key not in self._templates:
            template = self._create()
            run_apart(prepare(template))
            self._templates[key] = template
        url = self._create(self._templates[key])
        self._made.append(url)
        return url

    def for_module(self) -> Store:
        """The same place, for databases that go when a module of tests is done."""
        return replace(self, url="", _made=[])

    def drop(self, *, with_templates: bool = False) -> None:
        """Delete the databases made here: hundreds of them are gigabytes."""
        while self._made:
            self._drop(self._made.pop())
        while with_templates and self._templates:
            self._drop(self._templates.popitem()[1])

    def _create(self, template: str = "") -> str:
        name = f"test_{uuid7().hex}"
        if self.kind == "sqlite":
            url = f"sqlite://{self.folder / name}.sqlite3?busy_timeout=5000&synchronous=OFF"
            if template:
                shutil.copyfile(sqlite_path(template), sqlite_path(url))
            return url
        like = f' TEMPLATE "{_name(template)}"' if template else ""
        self._administer(f'CREATE DATABASE "{name}"{like}')
        return f"{self.server}/{name}"

    def _drop(self, url: str) -> None:
        if self.kind == "sqlite":
            for file in self.folder.glob(f"{sqlite_path(url).name}*"):
                file.unlink()
        else:
            self._administer(f'DROP DATABASE IF EXISTS "{_name(url)}" WITH (FORCE)')

    def _administer(self, statement: str) -> None:
        run_apart(_run_statement(self.server, statement))


def run_apart(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run a coroutine to its end on a loop of its own, whether or not one is running here."""
    answers: list[Answer] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(asyncio.run(work))
        except BaseException as error:  # noqa: BLE001 - carried over to the thread that waits
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return answers[0]


@pytest.fixture(scope="session")
def store_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One place for databases per kind, for the whole session."""
    folder = tmp_path_factory.mktemp("stores")
    if getattr(request, "param", "sqlite") == "sqlite":
        yield Store("sqlite", folder)
        return
    with postgres_server() as server:
        if server is None:
            _unavailable("PostgreSQL is not installed and MUNTIN_TEST_POSTGRES_URL is not set")
        store = Store("postgresql", folder, server=server)
        yield store
        store.drop(with_templates=True)


@contextmanager
def postgres_server() -> Iterator[str | None]:
    """The address of a PostgreSQL server to make databases on, without a database; `None` where there is none."""
    if url := os.environ.get("MUNTIN_TEST_POSTGRES_URL"):
        yield _server_of(url)
    elif binaries := _postgres_binaries():
        with _Cluster(binaries) as server:
            yield server
    else:
        yield None


@pytest.fixture(scope="module")
def store(store_server: Store) -> Iterator[Store]:
    """A fresh, empty database per test module; the test runs on SQLite and on PostgreSQL."""
    store = store_server.for_module()
    store.url = store.empty()
    yield store
    store.drop()


def _name(url: str) -> str:
    return url.rsplit("/", 1)[1]


def _unavailable(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _server_of(url: str) -> str:
    parts = urlsplit(url)
    return f"asyncpg://{parts.netloc}"


async def _run_statement(server: str, statement: str) -> None:
    address = "postgresql://" + server.removeprefix("asyncpg://") + "/postgres"
    connection = await asyncpg.connect(address)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _postgres_binaries() -> Path | None:
    """The newest PostgreSQL that Debian installed."""
    found = [path.parent for path in _BINARIES.glob("*/bin/initdb")]
    return max(found, key=lambda path: int(path.parent.name), default=None)


def _quick_folder() -> Path | None:
    """A folder in memory, if there is room: each database is three hundred files, a tenth of a second on a disk."""
    try:
        found = os.statvfs(_MEMORY)
    except OSError:
        return None
    return _MEMORY if found.f_bavail * found.f_frsize >= _ROOM_BYTES and os.access(_MEMORY, os.W_OK) else None


class _Cluster:
    """A PostgreSQL server on a free loopback port whose data is gone afterwards."""

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        self._user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self._folder = Path(tempfile.mkdtemp(prefix="muntin-postgres-", dir=_quick_folder()))

    def __enter__(self) -> str:
        if os.geteuid() == 0:
            shutil.chown(self._folder, self._user)
        data = str(self._folder / "data")
        self._run("initdb", "-D", data, "-U", "muntin", "--auth=trust", "-E", "UTF8", "--locale=C", "-N")
        port = free_port()
        settings = [*_SETTINGS, f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self._folder}"]
        options = " ".join(f"-c {setting}" for setting in settings)
        self._run("pg_ctl", "-D", data, "-w", "-l", str(self._folder / "log"), "-o", options, "start")
        return f"asyncpg://muntin@127.0.0.1:{port}"

    def __exit__(self, *_: object) -> None:
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "stop")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        """PostgreSQL refuses to run as root."""
        command = [str(self._binaries / program), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", self._user, "--", *command]
        subprocess.run(command, check=True, cwd=self._folder, stdout=subprocess.DEVNULL)  # noqa: S603 - fixed programs
