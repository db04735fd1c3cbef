"""One process migrates at a time."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tortoise.transactions import in_transaction

from muntin.database.connection import CONNECTION

_LOCK = 0x6D756E74_02  # any number that nothing else in the database locks


@asynccontextmanager
async def single_migrator(sqlite_file: Path | None) -> AsyncIterator[None]:
    """Wait until nobody else migrates this store, and keep others waiting; ends with the process at the latest.

    Args:
        sqlite_file: The database; None for PostgreSQL, whose open connection is used.
    """
    async with _file_lock(sqlite_file) if sqlite_file else _advisory_lock():
        yield


@asynccontextmanager
async def _file_lock(database: Path) -> AsyncIterator[None]:
    database.parent.mkdir(parents=True, exist_ok=True)
    with database.with_name(f"{database.name}.migrating").open("a") as file:
        await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
        yield


@asynccontextmanager
async def _advisory_lock() -> AsyncIterator[None]:
    """Held by a transaction in a task of its own, so that the migrations' transactions are not nested in it."""
    is_held, is_done = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with in_transaction(CONNECTION) as connection:
            await connection.execute_query("SELECT pg_advisory_xact_lock($1)", [_LOCK])
            is_held.set()
            await is_done.wait()

    holder = asyncio.create_task(hold())
    waiter = asyncio.create_task(is_held.wait())
    try:
        await asyncio.wait({holder, waiter}, return_when=asyncio.FIRST_COMPLETED)
        if holder.done():
            holder.result()  # raises what went wrong
        yield
    finally:
        is_done.set()
        waiter.cancel()
        if not is_held.is_set():
            holder.cancel()
        await asyncio.gather(holder, waiter, return_exceptions=True)
