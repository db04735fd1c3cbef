"""The bus over a real PostgreSQL, and the limits that are exact on either store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest
from tortoise.connection import get_connection
from tortoise.utils import generate_schema_for_client

from muntin.bus import Json, open_bus
from muntin.bus.counters import LimitState
from muntin.bus.exact_limits import delete_past_limits, forget_hits, hit_exactly
from muntin.bus.postgres import PostgresBus, plain_url
from muntin.bus.unix import UnixBus
from muntin.configuration import Configuration
from muntin.database import App, close_database, open_database
from muntin.testing import waiting
from muntin.testing.stores import Store

on_postgresql = pytest.mark.parametrize("store_server", ["postgresql"], indirect=True)
Heard = list[tuple[str, Json]]
OTHERS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND backend_type = 'client backend'"
)


async def until(condition: Callable[[], object], *, timeout_s: float = 30.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - conditions of many kinds, none of them an event
            await asyncio.sleep(0.005)


async def connect(store: Store, pattern: str) -> tuple[PostgresBus, Heard]:
    bus, heard = PostgresBus(store.url), Heard()
    bus.subscribe(pattern, lambda topic, data: heard.append((topic, data)))
    await bus.open()
    return bus, heard


@on_postgresql
async def test_messages_arrive_once_in_order_also_long_ones(store: Store) -> None:
    sender, by_sender = await connect(store, "console.*")
    reader, by_reader = await connect(store, "console.*")
    messages: Heard = [("console.1", 1), ("console.1", "ä\n'" * 20_000), ("console.2", [None, {"x": "\\"}])]

    for topic, data in [*messages, ("other", 1)]:
        sender.publish(topic, data)
    assert await sender.flush()
    await until(lambda: len(by_reader) == 3)

    assert by_reader == by_sender == messages
    await sender.close()
    await reader.close()


@on_postgresql
async def test_bus_connects_again_and_sends_what_was_published_meanwhile(store: Store) -> None:
    sender, _ = await connect(store, "n")
    reader, heard = await connect(store, "n")
    connection = await asyncpg.connect(plain_url(store.url))
    ended = [row[0] for row in await connection.fetch(OTHERS)]

    async def are_back() -> bool:
        new = await connection.fetch(f"{OTHERS} AND pid <> ALL($1)", ended)
        return len(new) == 2 and sender.connected and reader.connected

    await connection.execute("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid", ended)
    await waiting.until(are_back)
    sender.publish("n", 1)
    await until(lambda: heard)

    assert heard == [("n", 1)]
    await connection.close()
    await sender.close()
    await reader.close()


async def test_store_decides_which_bus_is_opened(store: Store, tmp_path: Path) -> None:
    bus = await open_bus(Configuration(database_url=store.url, data_dir=tmp_path, _env_file=None))

    assert type(bus) is (PostgresBus if store.kind == "postgresql" else UnixBus)
    await bus.close()


@pytest.fixture
async def database(store: Store) -> AsyncIterator[None]:
    await open_database(store.empty(), [App("core", "muntin.bus.models", "")])
    await generate_schema_for_client(get_connection("default"), safe=True)
    yield
    await close_database()


@pytest.mark.usefixtures("database")
async def test_of_many_parallel_hits_exactly_the_limit_is_allowed() -> None:
    def clock() -> float:
        return 1_000_000_020.0

    states = await asyncio.gather(*(hit_exactly("login:a", limit=5, window_s=60, clock=clock) for _ in range(20)))

    assert sum(state.allowed for state in states) == 5
    assert {state for state in states if state.allowed} == {
        LimitState(5, left, 1_000_000_080, True) for left in range(5)
    }
    assert {state for state in states if not state.allowed} == {LimitState(5, 0, 1_000_000_080, False)}


@pytest.mark.usefixtures("database")
async def test_exact_limit_begins_afresh_with_the_window_and_when_forgotten() -> None:
    def hit_at(now_s: float) -> asyncio.Task[LimitState]:
        return asyncio.ensure_future(hit_exactly("login:a", limit=1, window_s=60, clock=lambda: now_s))

    allowed = [(await hit_at(now_s)).allowed for now_s in (0, 59, 60, 61)]
    await forget_hits("login:a")
    allowed.append((await hit_at(62)).allowed)

    assert allowed == [True, False, True, False, True]
    assert await delete_past_limits(clock=lambda: 119) == 0
    assert await delete_past_limits(clock=lambda: 120) == 1
