"""Hand-written and compiled SQL, alike on both stores."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from muntin.database import (
    CompiledQuery,
    close_database,
    compare_and_set,
    count_statements,
    database_dialect,
    execute,
    fetch_all,
    fetch_list,
    open_database,
    ping,
    read_datetime,
    read_uuid,
    transaction,
    uuid7,
)
from muntin.database.migrations import make_migrations, migrate
from muntin.testing.stores import Store

if TYPE_CHECKING:
    from .conftest import Workshop

THINGS = """
class Thing(Table):
    owner_id = fields.UUIDField()
    name = fields.CharField(max_length=64)
    size_mib = fields.IntField(default=0)

    class Meta:
        table = "things_thing"
"""


class Found(NamedTuple):
    id: str
    name: str
    created_at: str


@pytest.fixture
async def thing(store: Store, workshop: Workshop) -> AsyncIterator[Any]:
    """The model of an open database with one table."""
    url, app = store.empty(), workshop.app("things", THINGS)
    await make_migrations([app], "things")
    await migrate(url, [app])
    await open_database(url, [app])
    yield sys.modules[str(app.models)].Thing
    await close_database()


async def test_statement_takes_and_gives_identifiers_and_times(thing: Any) -> None:
    made, owner, now = uuid7(), uuid7(), datetime(2026, 3, 1, 12, 30, tzinfo=UTC)

    await execute(
        "INSERT INTO things_thing (id, created_at, updated_at, owner_id, name, size_mib) VALUES (?, ?, ?, ?, ?, ?)",
        [made, now, now, owner, "it's", 5],
    )
    [row] = await fetch_all("SELECT id, created_at, name FROM things_thing WHERE owner_id = ?", [owner])

    assert (read_uuid(row["id"]), read_datetime(row["created_at"]), row["name"]) == (made, now, "it's")
    found = await thing.get(id=made)
    assert (found.owner_id, found.created_at) == (owner, now)
    assert await execute("UPDATE things_thing SET name = ? WHERE id = ?", ["x", made]) == 1
    assert await execute("DELETE FROM things_thing WHERE id = ?", [owner]) == 0


async def test_statement_joins_the_open_transaction(thing: Any) -> None:
    await thing.create(owner_id=uuid7(), name="a")

    with pytest.raises(ZeroDivisionError):
        async with transaction():
            await execute("UPDATE things_thing SET name = ?", ["b"])
            assert await fetch_all("SELECT name FROM things_thing") == [{"name": "b"}]
            _ = 1 / 0

    assert await fetch_all("SELECT name FROM things_thing") == [{"name": "a"}]


async def test_compiled_query_builds_its_sql_once_and_runs_with_fresh_values(thing: Any) -> None:
    shapes = 0
    owner, other = uuid7(), uuid7()
    for number in range(5):
        await thing.create(owner_id=owner, name=f"n{number}", size_mib=number)
    await thing.create(owner_id=other, name="other")

    def shape() -> Any:
        nonlocal shapes
        shapes += 1
        return thing.filter(owner_id=owner, size_mib__gte=0).order_by("name").offset(1).limit(25).values("name")

    query = CompiledQuery(shape)
    with count_statements() as statements:
        first = await query.rows(owner, 1, 2, 1)
        second = await query.rows(other, 0, 25, 0)

    assert first == [{"name": "n2"}, {"name": "n3"}]
    assert second == [{"name": "other"}]
    assert (shapes, len(statements)) == (1, 2)


async def test_compared_and_set_row_says_when_it_was_changed(thing: Any) -> None:
    made = await thing.create(owner_id=uuid7(), name="a")

    changed = await compare_and_set(thing.filter(id=made.id, name="a"), name="b")
    again = await compare_and_set(thing.filter(id=made.id, name="a"), name="c")

    found = await thing.get(id=made.id)
    assert (changed, again, found.name) == (1, 0, "b")
    assert found.updated_at > made.updated_at


async def test_open_database_answers_and_a_second_one_is_refused(thing: Any, store: Store) -> None:
    await ping()

    assert database_dialect() == {"sqlite": "sqlite", "postgresql": "postgres"}[store.kind]
    with pytest.raises(RuntimeError, match="open already"):
        await open_database(store.empty(), [])


async def test_unreachable_database_is_not_open_afterwards(workshop: Workshop) -> None:
    app = workshop.app("things", THINGS)

    with pytest.raises(OSError):
        await open_database("asyncpg://muntin@127.0.0.1:1/nothing", [app])
    with pytest.raises(RuntimeError):
        await ping()
    await open_database("sqlite://:memory:", [app])
    await close_database()


async def test_list_is_put_together_by_the_database_in_the_order_asked_for(thing: Any) -> None:
    made = [await thing.create(owner_id=uuid7(), name=name) for name in ('b "', "é'", "a")]

    found = await fetch_list(
        Found, "SELECT t.id, t.name, t.created_at FROM things_thing t WHERE t.name <> ? ORDER BY t.name DESC", ["a"]
    )
    none = await fetch_list(Found, "SELECT t.id, t.name, t.created_at FROM things_thing t WHERE t.name = ?", ["x"])

    assert {(read_uuid(one.id), one.name, read_datetime(one.created_at)) for one in found} == {
        (one.id, one.name, one.created_at) for one in made[:2]
    }
    descending = await fetch_all("SELECT name FROM things_thing WHERE name <> ? ORDER BY name DESC", ["a"])
    assert [one.name for one in found] == [row["name"] for row in descending]
    assert none == []


async def test_bulk_update_says_when_it_was(thing: Any) -> None:
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    one = await thing.create(owner_id=uuid7(), name="a")
    await thing.filter(id=one.id).update(updated_at=long_ago)
    named = await thing.get(id=one.id)

    await thing.filter(id=one.id).update(name="b")

    changed = await thing.get(id=one.id)
    assert named.updated_at == long_ago
    assert (changed.name, changed.created_at) == ("b", one.created_at)
    assert changed.updated_at >= one.updated_at
