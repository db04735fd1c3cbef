"""The unix bus with real sockets; a second process where it matters."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from muntin.bus import MAX_MESSAGE_BYTES, Json, MessageTooLarge
from muntin.bus.hub import Hub, HubTaken
from muntin.bus.unix import UnixBus

Heard = list[tuple[str, Json]]


async def until(condition: object, *, timeout_s: float = 30.0) -> None:
    assert callable(condition)
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - conditions of many kinds, none of them an event
            await asyncio.sleep(0.002)


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    hub = Hub(tmp_path / "bus.sock")
    await hub.open()
    yield hub
    await hub.close()


async def connect(path: Path, *patterns: str) -> tuple[UnixBus, Heard]:
    bus, heard = UnixBus(path), Heard()
    for pattern in patterns:
        bus.subscribe(pattern, lambda topic, data: heard.append((topic, data)))
    await bus.open()
    await bus.flush()
    return bus, heard


async def test_message_reaches_every_process_that_wants_its_topic(hub: Hub, tmp_path: Path) -> None:
    by_hub: Heard = []
    hub.subscribe("keys.revoked", lambda topic, data: by_hub.append((topic, data)))
    sender, by_sender = await connect(tmp_path / "bus.sock", "keys.*")
    reader, by_reader = await connect(tmp_path / "bus.sock", "keys.revoked")
    other, by_other = await connect(tmp_path / "bus.sock", "keysmith", "console.*")

    sender.publish("keys.revoked", {"prefix": "bp_ä", "lines": ["a\nb"]})
    assert await sender.flush()
    await until(lambda: by_reader and by_hub)

    assert by_reader == by_sender == by_hub == [("keys.revoked", {"prefix": "bp_ä", "lines": ["a\nb"]})]
    assert by_other == []
    for bus in (sender, reader, other):
        await bus.close()


async def test_messages_of_one_sender_arrive_in_order_and_within_ten_milliseconds(hub: Hub, tmp_path: Path) -> None:
    sender, _ = await connect(tmp_path / "bus.sock")
    reader, heard = await connect(tmp_path / "bus.sock", "n")
    took_ms = []

    for number in range(200):
        before = time.perf_counter()
        sender.publish("n", number)
        while len(heard) <= number:  # noqa: ASYNC110 - measures the way there, not the waking of an event
            await asyncio.sleep(0)
        took_ms.append((time.perf_counter() - before) * 1000)

    assert heard == [("n", number) for number in range(200)]
    assert sorted(took_ms)[100] < 10
    await sender.close()
    await reader.close()


async def test_subscription_that_ends_hears_nothing_more(hub: Hub, tmp_path: Path) -> None:
    sender, _ = await connect(tmp_path / "bus.sock")
    reader, heard = await connect(tmp_path / "bus.sock", "kept")
    unsubscribe = reader.subscribe("ended", lambda topic, data: heard.append((topic, data)))
    await reader.flush()

    unsubscribe()
    await reader.flush()
    sender.publish("ended")
    sender.publish("kept")
    await until(lambda: heard)

    assert heard == [("kept", None)]
    await sender.close()
    await reader.close()


async def test_bus_outlives_its_hub_and_sends_what_was_published_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "bus.sock"
    first = Hub(path)
    await first.open()
    sender, _ = await connect(path)
    reader, heard = await connect(path, "n")

    await first.close()
    await until(lambda: not sender.connected and not reader.connected)
    second = Hub(path)
    await second.open()
    await until(lambda: reader.connected)
    await reader.flush()
    sender.publish("n", 1)
    await until(lambda: heard)

    assert heard == [("n", 1)]
    await sender.close()
    await reader.close()
    await second.close()


async def test_bus_without_a_hub_delivers_at_home_and_says_that_nobody_else_heard(tmp_path: Path) -> None:
    bus, heard = await connect(tmp_path / "bus.sock", "n")

    bus.publish("n", 1)

    assert await bus.flush(timeout_s=0.1) is False
    assert heard == [("n", 1)]
    await bus.close()


async def test_peer_that_does_not_read_is_dropped_and_the_others_go_on(hub: Hub, tmp_path: Path) -> None:
    path = tmp_path / "bus.sock"
    lazy = socket.socket(socket.AF_UNIX)
    lazy.connect(str(path))
    lazy.sendall(b"s big\n")
    sender, _ = await connect(path)
    reader, heard = await connect(path, "big")
    await until(lambda: len(hub.peers) == 3)

    for _ in range(20):
        sender.publish("big", "x" * 500_000)
    await until(lambda: len(heard) == 20)

    assert len(hub.peers) == 2
    lazy.close()
    await sender.close()
    await reader.close()


async def test_peer_that_sends_nonsense_is_dropped(hub: Hub, tmp_path: Path) -> None:
    reader, writer = await asyncio.open_unix_connection(tmp_path / "bus.sock")

    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    [answer] = await asyncio.wait_for(asyncio.gather(reader.read(), return_exceptions=True), 20)

    assert answer == b"" or isinstance(answer, ConnectionResetError)
    await until(lambda: hub.peers == set())
    writer.close()


async def test_subscriber_that_raises_costs_nobody_else_anything(hub: Hub, tmp_path: Path) -> None:
    bus, heard = await connect(tmp_path / "bus.sock")
    bus.subscribe("n", lambda _topic, _data: 1 / 0)  # type: ignore[arg-type,return-value] # what a plugin might do
    bus.subscribe("n", lambda topic, data: heard.append((topic, data)))

    bus.publish("n", 1)
    await until(lambda: heard)

    assert heard == [("n", 1)]
    await bus.close()


async def test_socket_is_for_its_owner_alone_and_has_one_hub(hub: Hub, tmp_path: Path) -> None:
    mode = stat.S_IMODE((tmp_path / "bus.sock").stat().st_mode)

    with pytest.raises(HubTaken):
        await Hub(tmp_path / "bus.sock").open()

    assert mode == 0o600


async def test_hub_replaces_the_socket_of_a_dead_one_also_at_a_long_path(tmp_path: Path) -> None:
    path = tmp_path / ("d" * 120) / "bus.sock"
    path.parent.mkdir()
    path.touch()
    hub = Hub(path)

    await hub.open()
    sender, _ = await connect(path)
    reader, heard = await connect(path, "n")
    sender.publish("n", 1)
    await until(lambda: heard)

    assert heard == [("n", 1)]
    await sender.close()
    await reader.close()
    await hub.close()


async def test_what_no_bus_carries_is_refused_before_anything_is_sent(hub: Hub, tmp_path: Path) -> None:
    bus, heard = await connect(tmp_path / "bus.sock", "*")

    with pytest.raises(MessageTooLarge):
        bus.publish("n", "x" * MAX_MESSAGE_BYTES)
    with pytest.raises(ValueError, match="not a topic"):
        bus.publish("two words")
    with pytest.raises(TypeError):
        bus.publish("n", object())  # type: ignore[arg-type] # what a plugin might do
    await bus.flush()

    assert heard == []
    await bus.close()


def test_hub_imports_nothing_but_the_standard_library() -> None:
    code = (
        "import sys, muntin.bus.hub, muntin.supervisor.plan\n"
        "print([n for n in sys.modules if n.split('.')[0] in ('pydantic', 'tortoise', 'quart', 'asyncpg', 'dbos')])"
    )

    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})

    assert seen.stdout == "[]\n"
