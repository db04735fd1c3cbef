from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from muntin_node.bus import PanelBus, bus_url, wait_s
from muntin_node.config import NodeConfig
from muntin_node.config_store import ConfigStore

Eventually = Callable[[Callable[[], bool]], Awaitable[None]]


async def health() -> dict[str, object]:
    return {"version": "0.1.0"}


@contextlib.asynccontextmanager
async def running(bus: PanelBus) -> AsyncIterator[None]:
    task = asyncio.create_task(bus.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def store(make_config: Callable[..., NodeConfig], panel: Any) -> ConfigStore:
    return ConfigStore(make_config(remote=panel.url))


async def frame(panel: Any) -> Any:
    return await asyncio.wait_for(panel.frames.get(), 30)


async def test_health_is_sent_at_once_and_then_regularly(store: ConfigStore, panel: Any) -> None:
    async with running(PanelBus(store, health=health, health_interval_s=0.05)):
        frames = [await frame(panel) for _ in range(3)]

    assert frames == [{"topic": "health", "data": {"version": "0.1.0"}}] * 3
    assert panel.bus_headers == ["Bearer abcdefgh12345678.t0ken" + "x" * 59]


async def test_frames_go_both_ways_in_order(store: ConfigStore, panel: Any, eventually: Eventually) -> None:
    bus = PanelBus(store, health=health)
    got: list[dict[str, Any]] = []

    async def note(data: dict[str, Any]) -> None:
        got.append(data)

    end = bus.subscribe("console", note)
    bus.on_connect(lambda: [bus.send("hello", {"n": 0})].clear())
    async with running(bus):
        assert (await frame(panel))["topic"] == "hello"
        for number in range(20):
            panel.to_node.put_nowait(json.dumps({"topic": "console", "data": {"n": number}}))
            panel.to_node.put_nowait(json.dumps({"topic": "other", "data": {}}))
        await eventually(lambda: len(got) == 20)
        end()
        end()
        panel.to_node.put_nowait(json.dumps({"topic": "console", "data": {"n": 99}}))
        await frame(panel)
        sent = [bus.send("lines", {"n": number}) for number in range(3)]
        back = [await frame(panel) for _ in range(3)]

    assert [item["n"] for item in got] == list(range(20))
    assert (sent, [item["data"]["n"] for item in back]) == ([True] * 3, [0, 1, 2])


async def test_a_lost_connection_comes_back(store: ConfigStore, panel: Any) -> None:
    bus = PanelBus(store, health=health)
    async with running(bus):
        await frame(panel)
        panel.to_node.put_nowait(None)
        again = await frame(panel)

    assert (again["topic"], len(panel.bus_headers)) == ("health", 2)


async def test_while_the_panel_is_away_sending_says_so_and_does_not_wait(
    make_config: Callable[..., NodeConfig],
) -> None:
    bus = PanelBus(ConfigStore(make_config(remote="http://127.0.0.1:9")), health=health)

    async with running(bus):
        await asyncio.sleep(0.05)
        sent = bus.send("console", {"line": "x"})

    assert (sent, bus.connected) == (False, False)


async def test_rotated_credentials_make_the_bus_come_back_with_the_new_ones(store: ConfigStore, panel: Any) -> None:
    bus = PanelBus(store, health=health)
    async with running(bus):
        await frame(panel)
        await store.replace(store.current.model_copy(update={"token": "n" * 64}))
        await frame(panel)

    assert panel.bus_headers[1] == "Bearer abcdefgh12345678." + "n" * 64


async def test_junk_and_failing_subscribers_do_not_cut_the_connection(
    store: ConfigStore, panel: Any, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    bus = PanelBus(store, health=health)
    got: list[dict[str, Any]] = []

    async def fail(data: dict[str, Any]) -> None:
        raise RuntimeError("a half's bug")

    async def note(data: dict[str, Any]) -> None:
        got.append(data)

    def fail_at_connect() -> None:
        raise RuntimeError("another bug")

    bus.on_connect(fail_at_connect)
    bus.subscribe("x", fail)
    bus.subscribe("x", note)
    with caplog.at_level(logging.CRITICAL):
        async with running(bus):
            await frame(panel)
            for junk in ("{", "[]", '"x"', "{}", '{"topic": "x", "data": 5}', "[" * 50_000):
                panel.to_node.put_nowait(junk)
            panel.to_node.put_nowait(json.dumps({"topic": "x", "data": {"ok": 1}}))
            await eventually(lambda: bool(got))

    assert got == [{"ok": 1}]
    assert len(panel.bus_headers) == 1


async def test_a_frame_that_is_too_large_is_refused(store: ConfigStore, panel: Any) -> None:
    bus = PanelBus(store, health=health)
    async with running(bus):
        await frame(panel)

        assert bus.send("x", {"text": "y" * 1_100_000}) is False


def test_the_address_follows_the_panels() -> None:
    assert bus_url("https://panel.example.com") == "wss://panel.example.com/api/node/bus"
    assert bus_url("http://127.0.0.1:8080") == "ws://127.0.0.1:8080/api/node/bus"


def test_waits_stay_within_15_s() -> None:
    assert all(0.25 <= wait_s(0) <= 0.5 for _ in range(20))
    assert all(7.5 <= wait_s(500) <= 15 for _ in range(20))
