"""What transactions promise about rows, events and callbacks."""

from __future__ import annotations

import asyncio
import contextvars
from uuid import UUID

import pytest

from muntin.database import (
    TransactionContention,
    compare_and_set,
    count_statements,
    database_dialect,
    execute,
    fetch_all,
    run_in_transaction,
    transaction,
    uuid7,
)
from muntin.events import Event, on_written
from muntin.events.models import OutboxRow, ResourceSequence, Subscriber
from muntin.testing.waiting import until


class ServerStarted(Event):
    """A server was started."""

    type = "server.started"
    subject = "server_id"

    server_id: UUID


async def test_committed_transaction_leaves_its_events_numbered_per_resource(database: str) -> None:
    first, second, account = uuid7(), uuid7(), uuid7()

    async with transaction() as events:
        ids = [
            events.add(ServerStarted(server_id=first, by=account)),
            events.add(ServerStarted(server_id=second)),
            events.add(ServerStarted(server_id=first)),
        ]

    rows = await OutboxRow.all().order_by("id")
    assert [row.id for row in rows] == ids
    assert [(row.resource_id, row.sequence, row.actor_id) for row in rows] == [
        (str(first), 1, account),
        (str(second), 1, None),
        (str(first), 2, None),
    ]
    assert rows[0].payload == {"server_id": str(first)}
    assert {(row.type, row.version, row.resource_type, row.state) for row in rows} == {
        ("server.started", 1, "server", "pending")
    }


async def test_rolled_back_transaction_leaves_no_event_and_no_gap(database: str) -> None:
    server, called = uuid7(), []

    with pytest.raises(ZeroDivisionError):
        async with transaction() as events:
            events.add(ServerStarted(server_id=server))
            events.after_commit(lambda: called.append("never"))
            _ = 1 / 0
    async with transaction() as events:
        events.add(ServerStarted(server_id=server))

    assert [row.sequence for row in await OutboxRow.all()] == [1]
    assert called == []


async def test_rolled_back_savepoint_takes_its_events_with_it(database: str) -> None:
    server, called = uuid7(), []

    async with transaction() as events:
        events.add(ServerStarted(server_id=server))
        with pytest.raises(ZeroDivisionError):
            async with transaction() as inner:
                await Subscriber.create(name="inner", plugin="core", event_types=[])
                inner.add(ServerStarted(server_id=server))
                inner.after_commit(lambda: called.append("inner"))
                _ = 1 / 0
        async with transaction() as inner:
            await Subscriber.create(name="kept", plugin="core", event_types=[])
            inner.after_commit(lambda: called.append("kept"))
        assert called == []

    assert called == ["kept"]
    assert await OutboxRow.all().count() == 1
    assert [row.name for row in await Subscriber.all()] == ["kept"]


async def test_callback_runs_after_the_commit_and_outside_the_transaction(database: str) -> None:
    marker: contextvars.ContextVar[str] = contextvars.ContextVar("marker", default="outside")
    seen: list[tuple[str, int]] = []

    async def look() -> None:
        seen.append((marker.get(), await Subscriber.all().count()))
        async with transaction():
            await Subscriber.create(name="from the callback", plugin="core", event_types=[])

    marker.set("inside")
    async with transaction() as events:
        events.after_commit(look)
        await Subscriber.create(name="from the transaction", plugin="core", event_types=[])

    assert seen == [("outside", 1)]
    assert await Subscriber.all().count() == 2


async def test_failing_callback_neither_fails_the_call_nor_the_next_callback(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    called: list[str] = []

    async with transaction() as events:
        events.after_commit(lambda: 1 / 0)
        events.after_commit(lambda: called.append("second"))

    assert called == ["second"]
    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def test_task_that_outlives_its_transaction_cannot_open_a_savepoint_in_it(database: str) -> None:
    go_on = asyncio.Event()

    async def late() -> None:
        await go_on.wait()
        async with transaction():
            raise AssertionError("unreachable")

    async with transaction():
        task = asyncio.create_task(late())
    go_on.set()

    with pytest.raises(RuntimeError, match="this transaction is over"):
        await task


async def test_listener_hears_of_written_events_once_per_commit(database: str) -> None:
    heard: list[str] = []
    stop = on_written(lambda: heard.append("written"))

    async with transaction() as events:
        events.add(ServerStarted(server_id=uuid7()))
        events.add(ServerStarted(server_id=uuid7()))
    async with transaction():
        await Subscriber.create(name="no event", plugin="core", event_types=[])
    stop()
    async with transaction() as events:
        events.add(ServerStarted(server_id=uuid7()))

    assert heard == ["written"]


async def test_parallel_transactions_on_one_resource_number_without_gap_or_double(database: str) -> None:
    server = uuid7()

    async def start(number: int) -> None:
        async with transaction() as events:
            events.add(ServerStarted(server_id=server))
            await asyncio.sleep(0.001)
            if number % 5 == 0:
                raise ZeroDivisionError

    results = await asyncio.gather(*(start(number) for number in range(60)), return_exceptions=True)

    assert sum(isinstance(result, ZeroDivisionError) for result in results) == 12
    assert [row.sequence for row in await OutboxRow.all().order_by("sequence")] == list(range(1, 49))


async def test_transactions_that_tell_of_the_same_two_resources_never_wait_in_a_circle(database: str) -> None:
    one, other = uuid7(), uuid7()

    async def tell(*servers: UUID) -> None:
        async with transaction() as events:
            for server in servers:
                events.add(ServerStarted(server_id=server))

    await asyncio.gather(*(tell(one, other) if number % 2 else tell(other, one) for number in range(40)))

    assert await OutboxRow.filter(resource_id=str(one)).count() == 40
    assert await OutboxRow.filter(resource_id=str(other)).count() == 40


async def test_compare_and_set_has_one_winner(database: str) -> None:
    row = await Subscriber.create(name="wanted", plugin="nobody", event_types=[])

    won = await asyncio.gather(
        *(compare_and_set(Subscriber.filter(id=row.id, plugin="nobody"), plugin=f"p{n}") for n in range(20))
    )

    assert sorted(won) == [0] * 19 + [1]
    assert (await Subscriber.get(id=row.id)).plugin == f"p{won.index(1)}"


# PostgreSQL locks rows, not the database: there it takes compare-and-set or select_for_update.
@pytest.mark.parametrize("store_server", ["sqlite"], indirect=True)
async def test_read_then_write_in_parallel_transactions_loses_no_update_on_sqlite(database: str) -> None:
    row = await ResourceSequence.create(resource_type="counter", resource_id="1", newest=0)

    async def count_up() -> None:
        async with transaction():
            fresh = await ResourceSequence.get(id=row.id)
            await asyncio.sleep(0)
            fresh.newest += 1
            await fresh.save()

    await asyncio.gather(*(count_up() for _ in range(50)))

    assert (await ResourceSequence.get(id=row.id)).newest == 50


async def test_broken_off_transaction_is_run_again(database: str) -> None:
    attempts = 0

    async def work(_: object) -> str:
        nonlocal attempts
        attempts += 1
        await Subscriber.create(name=f"attempt {attempts}", plugin="core", event_types=[])
        if attempts < 3:
            raise TransactionContention
        return "done"

    assert await run_in_transaction(work) == "done"

    assert [row.name for row in await Subscriber.all()] == ["attempt 3"]


# SQLite has one write lock, taken first: no circle is possible.
@pytest.mark.parametrize("store_server", ["postgresql"], indirect=True)
async def test_deadlocked_transactions_both_end_on_postgresql(database: str) -> None:
    one = await Subscriber.create(name="one", plugin="0", event_types=[])
    other = await Subscriber.create(name="other", plugin="0", event_types=[])
    both_hold_one = asyncio.Barrier(2)
    first_try: set[str] = set()

    async def lock_both(name: str, first: UUID, second: UUID) -> None:
        async def work(_: object) -> None:
            await execute("UPDATE core_subscriber SET plugin = ? WHERE id = ?", [name, first])
            if name not in first_try:
                first_try.add(name)
                await both_hold_one.wait()
            await execute("UPDATE core_subscriber SET plugin = ? WHERE id = ?", [name, second])

        await run_in_transaction(work)

    await asyncio.gather(lock_both("a", one.id, other.id), lock_both("b", other.id, one.id))

    plugins = set(await Subscriber.all().values_list("plugin", flat=True))
    assert len(plugins) == 1
    assert plugins < {"a", "b"}


async def test_transaction_whose_turn_does_not_come_gives_up_and_leaves_the_way_free(database: str) -> None:
    release, inside = asyncio.Event(), []
    all_that_fit = 1 if database_dialect() == "sqlite" else 10  # as many as the pool has

    async def occupy() -> None:
        async with transaction(wait_s=60):
            await execute("SELECT 1")
            inside.append(1)
            await release.wait()

    holders = [asyncio.create_task(occupy()) for _ in range(10)]
    await until(lambda: len(inside) == all_that_fit)

    with pytest.raises(TransactionContention):
        async with transaction(wait_s=0.2):
            raise AssertionError("unreachable")
    release.set()
    await asyncio.gather(*holders)

    async with transaction():
        assert await fetch_all("SELECT 1 AS one") == [{"one": 1}]


async def test_transaction_cancelled_at_any_moment_of_its_start_gives_back_what_it_took(database: str) -> None:
    async def nothing() -> None:
        async with transaction():
            await execute("SELECT 1")

    for steps in range(60):
        task = asyncio.create_task(nothing())
        for _ in range(steps % 20):
            await asyncio.sleep(0)
        if steps >= 20:
            await asyncio.sleep(0.0001 * steps)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async with asyncio.timeout(30):
        await asyncio.gather(*(nothing() for _ in range(20)))


async def test_statements_are_counted(database: str) -> None:
    with count_statements() as statements:
        await Subscriber.all().count()
        async with transaction():
            await execute("SELECT 1")

    assert len(statements) == 2
    assert statements[1] == "SELECT 1"
