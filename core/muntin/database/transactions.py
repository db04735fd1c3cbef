"""Changes that happen together or not at all, and the events that tell of them.

The one way to change rows:

    async with transaction() as events:
        await InvoiceRow.filter(id=invoice_id, open_cents__gt=0).update(open_cents=0)
        events.add(InvoicePaid(invoice_id=invoice_id))

Events become outbox rows just before the commit; who is to act on them acts after it. Never await the network in here:
on SQLite every other query of the process waits for the end of the transaction.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

import asyncpg
from tortoise.backends.base.client import TransactionContext
from tortoise.exceptions import OperationalError
from tortoise.transactions import in_transaction

from muntin import clock
from muntin.database.connection import CONNECTION
from muntin.database.identifiers import uuid7
from muntin.errors import StoreBusy

if TYPE_CHECKING:
    from muntin.events.event import Event

ATTEMPTS = 4
WAIT_S = 10.0
"""How long a transaction waits for its turn (a connection of the pool, the write lock) before it gives up."""

Result = TypeVar("Result")
Callback = Callable[[], object]
EventStore = Callable[[Sequence["RecordedEvent"]], Awaitable[Callback | None]]

_log = logging.getLogger(__name__)
_current: contextvars.ContextVar[Transaction | None] = contextvars.ContextVar("muntin_transaction", default=None)
_event_stores: list[EventStore] = []


class TransactionContention(StoreBusy):
    """Others were writing the same rows for too long; nothing was changed, trying again is safe."""


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event of a transaction that is not committed yet."""

    id: UUID  # of the outbox row it becomes
    event: Event
    occurred_at: datetime


class Transaction:
    """What one transaction will tell once it is committed."""

    def __init__(self) -> None:
        self._events: list[RecordedEvent] = []
        self._callbacks: list[Callback] = []
        self._is_open = True

    def add(self, event: Event) -> UUID:
        """Record that something happened; it is told if, and only if, the transaction commits.

        Returns:
            The id under which the event is stored; jobs started for it carry the same one.
        """
        self._require_open()
        recorded = RecordedEvent(id=uuid7(), event=event, occurred_at=clock.now())
        self._events.append(recorded)
        return recorded.id

    def after_commit(self, callback: Callback) -> None:
        """Call `callback` (and await what it returns, if awaitable) after the commit, outside the transaction.

        It runs in an empty `contextvars` context, so it cannot write into a transaction that is over. What it raises
        is logged: the change has happened already.
        """
        self._require_open()
        self._callbacks.append(callback)

    def _require_open(self) -> None:
        if not self._is_open:
            raise RuntimeError("this transaction is over; work that follows it belongs into after_commit()")


@asynccontextmanager
async def transaction(*, wait_s: float = WAIT_S) -> AsyncIterator[Transaction]:
    """Open a transaction, or a savepoint of the one that is open in this task.

    On SQLite it takes the write lock before anything is read, so nothing read in it can be stale.

    Args:
        wait_s: Seconds to wait for a free connection or for the write lock.

    Raises:
        TransactionContention: Its turn did not come, or the database broke it off in favour of another one.
    """
    outer = _current.get()
    if outer is not None:
        outer._require_open()
        async with _savepoint(outer):
            yield outer
        return
    opened = Transaction()
    try:
        async with _translated(), _outermost(opened, wait_s):
            yield opened
    finally:
        opened._is_open = False
    await _call_back(opened._callbacks)


async def run_in_transaction(work: Callable[[Transaction], Awaitable[Result]], *, attempts: int = ATTEMPTS) -> Result:
    """Run `work` in a transaction, again from its start when the database broke it off.

    Args:
        work: Called with the transaction; must do nothing outside the database, since it may run several times.

    Raises:
        TransactionContention: It was broken off `attempts` times.
    """
    for attempt in range(1, attempts + 1):
        try:
            async with transaction() as events:
                return await work(events)
        except TransactionContention:
            if attempt == attempts or _current.get() is not None:
                raise
            await asyncio.sleep(_pause_s(attempt))
    raise AssertionError("unreachable: the last attempt returns or raises")


def store_events_with(store: EventStore) -> None:
    """Say who turns recorded events into rows; the events package does, when it is imported.

    The store runs inside the transaction, just before the commit, and may return a callback for afterwards.
    """
    _event_stores[:] = [store]


@asynccontextmanager
async def _outermost(opened: Transaction, wait_s: float) -> AsyncIterator[None]:
    context = await _begin(wait_s)
    token = _current.set(opened)
    try:
        yield
        await _store(opened)
    except BaseException as error:
        await context.__aexit__(type(error), error, error.__traceback__)
        raise
    else:
        await context.__aexit__(None, None, None)
    finally:
        _current.reset(token)


@asynccontextmanager
async def _savepoint(outer: Transaction) -> AsyncIterator[None]:
    """What was added since the savepoint is forgotten when it is rolled back."""
    events, callbacks = len(outer._events), len(outer._callbacks)
    try:
        async with in_transaction(CONNECTION):
            yield
    except BaseException:
        del outer._events[events:]
        del outer._callbacks[callbacks:]
        raise


async def _begin(wait_s: float) -> TransactionContext:
    """Begin, trying again while others hold the write lock of SQLite."""
    try:
        async with asyncio.timeout(wait_s):
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    return await _enter()
                except OperationalError as error:
                    if attempt == ATTEMPTS or not _is_locked(error):
                        raise
                await asyncio.sleep(_pause_s(attempt))
    except TimeoutError as error:
        raise TransactionContention(waited_s=wait_s) from error
    raise AssertionError("unreachable: the last attempt returns or raises")


async def _enter() -> TransactionContext:
    """Begin; when that is interrupted, give back the lock or connection, which Tortoise itself would keep for ever."""
    context = in_transaction(CONNECTION)
    try:
        connection = await context.__aenter__()
        if connection.capabilities.dialect == "sqlite":
            # sqlite3 ends the transaction Tortoise began (it is empty and holds no lock) before it runs a script.
            await connection.execute_script("BEGIN IMMEDIATE")
    except BaseException as error:
        if hasattr(context, "token"):  # set once the lock or connection is ours
            with suppress(Exception):  # a driver in the middle of an interrupted statement may refuse the rollback
                await context.__aexit__(type(error), error, error.__traceback__)
        raise
    return context


async def _store(opened: Transaction) -> None:
    if not opened._events:
        return
    if not _event_stores:
        raise RuntimeError("events were added, but nobody stores them: import muntin.events")
    callback = await _event_stores[0](opened._events)
    if callback is not None:
        opened._callbacks.append(callback)


async def _call_back(callbacks: Sequence[Callback]) -> None:
    for callback in callbacks:
        task = asyncio.create_task(_guarded(callback), context=contextvars.Context())
        await asyncio.shield(task)  # a caller that goes away does not stop what the commit promised


async def _guarded(callback: Callback) -> None:
    try:
        answer = callback()
        if inspect.isawaitable(answer):
            await answer
    except Exception:  # noqa: BLE001 - the rows are committed; a callback that fails must not report otherwise
        _log.exception("a callback after a commit failed: %r", callback)


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """Turn the two drivers' ways of saying "somebody else was faster" into one."""
    try:
        yield
    except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError) as error:
        raise TransactionContention from error
    except OperationalError as error:
        if _is_locked(error):
            raise TransactionContention from error
        raise


def is_busy(error: BaseException) -> bool:
    """Whether a statement failed only because others kept the database for longer than it waits."""
    if isinstance(error, OperationalError):
        return _is_locked(error)
    return isinstance(error, asyncpg.LockNotAvailableError)


def _is_locked(error: OperationalError) -> bool:
    return "database is locked" in str(error) or "database table is locked" in str(error)


def _pause_s(attempt: int) -> float:
    """Longer with every attempt, and never the same for two who collided."""
    return random.uniform(0.01, 0.05) * 2.0**attempt  # noqa: S311 - spreads load, guards nothing


__all__ = ["RecordedEvent", "Transaction", "TransactionContention", "run_in_transaction", "transaction"]
