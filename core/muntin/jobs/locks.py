"""Proof that a worker lives: a lock only it holds, which falls free when it dies, whatever it dies of."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import IO, Any, Protocol

import asyncpg

from muntin.bus.postgres import plain_url

CHECK_S = 2.0


class WorkerTaken(RuntimeError):
    """Another live process has this worker id."""


class WorkerLocks(Protocol):
    """The locks of all workers on one store."""

    lost: asyncio.Event
    """Set when our own lock may no longer be ours: others will take our jobs, so this process must stop."""

    async def hold(self, worker_id: str) -> None:
        """Take our own lock for as long as we live; raises WorkerTaken."""

    def seize(self, worker_id: str) -> AbstractAsyncContextManager[bool]:
        """Whether that worker is dead; if so, nobody else can find that out meanwhile."""

    async def close(self) -> None:
        """Let go of our own."""


class FileLocks:
    """One machine: a locked file per worker; the kernel frees it with the process."""

    def __init__(self, folder: Path) -> None:
        self.lost = asyncio.Event()
        self._folder = folder
        self._own: IO[str] | None = None

    async def hold(self, worker_id: str) -> None:
        """See `WorkerLocks`."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._own = self._lock(worker_id)
        if self._own is None:
            raise WorkerTaken(worker_id)

    @asynccontextmanager
    async def seize(self, worker_id: str) -> AsyncIterator[bool]:
        """See `WorkerLocks`."""
        file = self._lock(worker_id)
        try:
            yield file is not None
        finally:
            if file is not None:
                _remove(file)

    async def close(self) -> None:
        """See `WorkerLocks`."""
        if self._own is not None:
            _remove(self._own)

    def _lock(self, worker_id: str) -> IO[str] | None:
        file = (self._folder / f"{_digest(worker_id).hex()}.lock").open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return None
        return file


class PostgresLocks:
    """Many machines: an advisory lock on a connection of its own; the server frees it with the connection."""

    def __init__(self, store_url: str) -> None:
        self.lost = asyncio.Event()
        self._url = plain_url(store_url)
        self._connection: asyncpg.Connection[Any] | None = None
        self._busy = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def hold(self, worker_id: str) -> None:
        """See `WorkerLocks`."""
        self._connection = await asyncpg.connect(self._url, timeout=10)
        self._connection.add_termination_listener(lambda _connection: self.lost.set())
        if not await self._ask("SELECT pg_try_advisory_lock($1)", worker_id):
            await self._connection.close()
            raise WorkerTaken(worker_id)
        self._task = asyncio.create_task(self._check(), name="muntin-worker-lock")

    @asynccontextmanager
    async def seize(self, worker_id: str) -> AsyncIterator[bool]:
        """See `WorkerLocks`."""
        is_ours = await self._ask("SELECT pg_try_advisory_lock($1)", worker_id)
        try:
            yield is_ours
        finally:
            if is_ours:
                await self._ask("SELECT pg_advisory_unlock($1)", worker_id)

    async def close(self) -> None:
        """See `WorkerLocks`."""
        if self._task is not None:
            self._task.cancel()
        if self._connection is not None:
            with contextlib.suppress(asyncpg.PostgresError, OSError):
                await self._connection.close(timeout=2)

    async def _ask(self, question: str, worker_id: str) -> bool:
        if self._connection is None:
            raise RuntimeError("hold() comes first")
        number = int.from_bytes(_digest(worker_id)[:8], "big", signed=True)
        async with self._busy:
            return bool(await self._connection.fetchval(question, number, timeout=5))

    async def _check(self) -> None:
        """A connection that is cut without a word is noticed here, long before the server gives the lock to others."""
        while not self.lost.is_set():
            await asyncio.sleep(CHECK_S)
            try:
                async with self._busy:
                    await self._connection.execute("SELECT 1", timeout=5)  # type: ignore[union-attr] # set by hold
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                self.lost.set()


def _remove(file: IO[str]) -> None:
    """Its name is never used again."""
    Path(file.name).unlink(missing_ok=True)
    file.close()


def _digest(worker_id: str) -> bytes:
    return hashlib.sha256(f"muntin worker {worker_id}".encode()).digest()[:16]
