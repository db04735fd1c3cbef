"""A real panel: `muntin up` in a process of its own, with everything it starts."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, overload

import httpx

from muntin.testing.forks import Forks
from muntin.testing.free_ports import free_port

Found = TypeVar("Found")

EMAIL, PASSWORD = "operator@example.com", "correct horse battery staple"
START_S, STOP_S = 100.0, 30.0
NAME, PARENT = b"MUNTIN_PROCESS_NAME=", b"MUNTIN_SUPERVISOR_PID="


@overload
async def until(
    look: Callable[[], Awaitable[Found]], *, timeout_s: float = 60.0, every_s: float = 0.1, what: str = "it"
) -> Found: ...


@overload
async def until(
    look: Callable[[], Found], *, timeout_s: float = 60.0, every_s: float = 0.1, what: str = "it"
) -> Found: ...


async def until(look: Callable[[], Any], *, timeout_s: float = 60.0, every_s: float = 0.1, what: str = "it") -> Any:
    """Look again and again until something true is found, and give that."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = look()
        if isinstance(found, Awaitable):
            found = await found
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} did not come true within {timeout_s} s"
        await asyncio.sleep(every_s)


@dataclass
class Program:
    """`muntin up` in a folder of its own, on free ports."""

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    process: asyncio.subprocess.Process | None = None
    environment: dict[str, str] = field(default_factory=dict)
    forks: Forks | None = None  # commands start there, rather than by Python itself

    def __post_init__(self) -> None:
        own = {name: value for name, value in os.environ.items() if not name.startswith("MUNTIN_")}
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.environment = own | {
            "MUNTIN_DATA_DIR": str(self.folder),
            "MUNTIN_BIND": f"127.0.0.1:{port}",
            "MUNTIN_NODE_BIND": f"127.0.0.1:{free_port()}",
            "MUNTIN_NODE_SFTP_BIND": f"127.0.0.1:{free_port()}",
            "MUNTIN_LOCAL_NODE": "never",
            "MUNTIN_ADMIN_EMAIL": EMAIL,
            "MUNTIN_ADMIN_PASSWORD": PASSWORD,
            "MUNTIN_PLUGINS": "gameservers",
            **self.variables,
        }

    @property
    def log(self) -> Path:
        """What all its processes wrote."""
        return self.folder / "program.log"

    async def start(self) -> None:
        """Start it and wait until it answers."""
        with self.log.open("a") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "muntin.cli", "up",
                cwd=self.folder, env=self.environment, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        await until(self._answers, timeout_s=START_S, what=f"the panel (see {self.log})")

    async def stop(self) -> None:
        """Stop it as an operator would."""
        process, self.process = self.process, None
        if process is not None and process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(STOP_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
                raise AssertionError(f"the panel did not stop within {STOP_S} s (see {self.log})") from None

    async def command(self, *arguments: str) -> str:
        """Run `muntin ...` beside it; what it printed."""
        if self.forks is not None:
            ended = await self.forks.run("-m", "muntin.cli", *arguments, environment=self.environment, cwd=self.folder)
            assert ended.code == 0, ended.complained
            return ended.said
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "muntin.cli", *arguments,
            cwd=self.folder, env=self.environment, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, complaint = await process.communicate()
        assert process.returncode == 0, complaint.decode()
        return said.decode()

    def pids(self, kind: str) -> dict[str, int]:
        """Name -> process id of its children of a kind: `web`, `worker`, `agent`."""
        assert self.process is not None
        ours = PARENT + str(self.process.pid).encode()
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                variables = (entry / "environ").read_bytes().split(b"\0")
            except OSError:
                continue  # it ended just now
            name = next((one.removeprefix(NAME).decode() for one in variables if one.startswith(NAME)), "")
            if ours in variables and name.startswith(f"{kind}."):
                found[name] = int(entry.name)
        return found

    async def kill(self, kind: str) -> None:
        """`kill -9` all children of a kind, and wait until the supervisor has made new ones that answer."""
        before = self.pids(kind)
        assert before, f"there is no {kind}"
        for pid in before.values():
            os.kill(pid, signal.SIGKILL)
        await until(
            lambda: self.pids(kind).keys() == before.keys() and not {*self.pids(kind).values()} & {*before.values()},
            timeout_s=START_S,
            what=f"a new {kind}",
        )
        await until(self._answers, timeout_s=START_S, what="the panel after a kill")

    @contextmanager
    def only(self, name: str) -> Iterator[None]:
        """Have one web process alone take new connections: for a moment the others are frozen."""
        others = [pid for other, pid in self.pids("web").items() if other != name]
        deadline = time.monotonic() + START_S
        while not self._frozen_without_a_lock(others):
            assert time.monotonic() < deadline, "the other web processes never let go of the store"
        try:
            yield
        finally:
            for pid in others:
                os.kill(pid, signal.SIGCONT)

    @asynccontextmanager
    async def without(self, kind: str) -> AsyncIterator[None]:
        """Have no live process of a kind while the block runs: it is frozen first and killed in the end.

        The supervisor starts what dies within a moment; of what is frozen it cannot know. Dead processes hold no
        lock of the store, so neither must frozen ones.
        """
        before = [*self.pids(kind).values()]
        try:
            await until(lambda: self._frozen_without_a_lock(before), what=f"a {kind} that is writing nothing")
            yield
        finally:
            await self.kill(kind)

    def _frozen_without_a_lock(self, pids: Iterable[int]) -> bool:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        if self._store_is_writable():
            return True
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        return False

    def _store_is_writable(self) -> bool:
        for store in self.folder.glob("*.sqlite3"):
            with closing(sqlite3.connect(store, timeout=1.0, isolation_level=None)) as database:
                try:
                    database.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError:
                    return False
                database.execute("ROLLBACK")
        return True

    async def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.returncode is None, f"the panel ended: {self.log.read_text()[-3000:]}"
        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                return (await client.get(f"{self.url}/readyz", timeout=2)).status_code == 200
        except httpx.TransportError:
            return False
