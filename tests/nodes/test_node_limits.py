"""What a node may cost: requests, messages, and the size of what it answers."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from quart.testing.connections import WebsocketDisconnectError

from muntin.app import PanelApp
from muntin.connections import MAX_MESSAGE_BYTES
from muntin.errors import NodeTimeout
from muntin.limits import Pace
from muntin.nodes import routes as bus_routes
from muntin.nodes.client import NodeSaidNo, NodeSaidTooMuch, call_node
from muntin.nodes.credentials import seal
from muntin.nodes.dialect import PER_MINUTE, REFUSED_PER_MINUTE, STRANGERS_PER_MINUTE
from muntin.nodes.models import NodeRow
from muntin.testing.callers import Caller, People
from muntin.testing.waiting import until
from muntin_node.bus import MAX_FRAME_BYTES

ENROL = "/api/node/enrol"
SECRET = "n" * 64
Answering = Callable[[asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def node(app: PanelApp) -> NodeRow:
    """A node on this machine."""
    number = await NodeRow.all().count()
    return await NodeRow.create(
        name=f"limited {number}",
        fqdn="127.0.0.1",
        scheme="http",
        memory_mib=1,
        disk_mib=1,
        token_id=f"limited{number:09}",
        token=seal(SECRET),
    )


@pytest.fixture
def one_minute(app: PanelApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """No minute ends while the test counts."""
    monkeypatch.setattr(app.panel.limits, "_clock", lambda: 1_000_000_000.0)


def bearer(node: NodeRow) -> str:
    """The credential of the node."""
    return f"{node.token_id}.{SECRET}"


@pytest.mark.usefixtures("one_minute")
async def test_stranger_may_try_to_enrol_sixty_times_a_minute(app: PanelApp) -> None:
    somebody, other = Caller(app, address="198.51.100.60"), Caller(app, address="198.51.100.61")

    answers = [await somebody.post(ENROL, {"token": "wrong"}) for _index in range(STRANGERS_PER_MINUTE + 2)]

    assert Counter(one.status for one in answers) == {404: STRANGERS_PER_MINUTE, 429: 2}
    assert answers[-1].body["errors"][0]["code"] == "rate_limit_exceeded"
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert (await other.post(ENROL, {"token": "wrong"})).status == 404


@pytest.mark.usefixtures("one_minute")
async def test_wrong_credentials_are_counted_and_do_not_hold_up_right_ones(app: PanelApp, node: NodeRow) -> None:
    wrong = Caller(app, token=f"{node.token_id}.{'x' * 64}", address="198.51.100.62")
    right = Caller(app, token=bearer(node), address="198.51.100.62")

    statuses = Counter([(await wrong.post(ENROL)).status for _index in range(REFUSED_PER_MINUTE + 2)])

    assert statuses == {403: REFUSED_PER_MINUTE, 429: 2}
    assert (await right.post(ENROL, {"token": "wrong"})).status == 404


@pytest.mark.usefixtures("one_minute")
async def test_node_has_a_limit_of_its_own(app: PanelApp, people: People, node: NodeRow) -> None:
    answer = await people.bearer(bearer(node)).post(ENROL, {"token": "wrong"})
    for _index in range(PER_MINUTE):
        app.panel.limits.hit(f"node:node:{node.id}", limit=PER_MINUTE, window_s=60)
    exhausted = await people.bearer(bearer(node)).post(ENROL, {"token": "wrong"})

    assert answer.headers["X-RateLimit-Limit"] == str(PER_MINUTE)
    assert (answer.status, exhausted.status) == (404, 429)


async def test_node_that_floods_its_line_loses_it_and_may_come_back(
    app: PanelApp, node: NodeRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_routes, "MESSAGES", 50)
    header = {"Authorization": f"Bearer {bearer(node)}"}
    heard: list[str] = []
    app.panel.bus.subscribe("node.*", lambda topic, _data: heard.append(topic))

    async with app.test_client().websocket("/api/node/bus", headers=header) as line:
        with pytest.raises(WebsocketDisconnectError) as ended:
            for _index in range(60):
                await line.send('{"topic": "usage", "data": {}}')
            async with asyncio.timeout(20):
                while True:
                    await line.receive()
    async with app.test_client().websocket("/api/node/bus", headers=header) as line:
        await line.send('{"topic": "again", "data": {}}')
        await until(lambda: f"node.{node.id}.again" in heard)

    assert ended.value.args == (4429,)
    assert heard.count(f"node.{node.id}.usage") == 50


def test_panel_and_agent_agree_on_the_largest_message() -> None:
    assert MAX_FRAME_BYTES == MAX_MESSAGE_BYTES


def test_pace_counts_what_came_within_the_stretch_of_time() -> None:
    now = [0.0]
    pace = Pace(messages=3, within_s=10.0, clock=lambda: now[0])

    seen = []
    for at_s in (0.0, 1.0, 2.0, 9.9, 11.5, 12.5):
        now[0] = at_s
        seen.append(pace.is_exceeded())

    assert seen == [False, False, False, True, False, False]


@asynccontextmanager
async def peer(node: NodeRow, answering: Answering) -> AsyncIterator[NodeRow]:
    """The node, answering every request in this way."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            await answering(writer)
        except ConnectionError:
            pass  # the panel had enough
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        await NodeRow.filter(id=node.id).update(daemon_port=server.sockets[0].getsockname()[1])
        yield await NodeRow.get(id=node.id)


def saying(body: bytes, *headers: str, status: str = "200 OK") -> Answering:
    """One whole answer."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status}", "Connection: close", f"Content-Length: {len(body)}", *headers]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()

    return answer


async def test_answer_of_a_node_is_read_to_its_limit_and_no_further(node: NodeRow) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            writer.write(b" " * 65536)
            await writer.drain()

    fitting = json.dumps({"text": "x" * 900}).encode()
    async with peer(node, saying(fitting)) as row:
        assert await call_node(row, "GET", "/", max_answer_bytes=1000) == {"text": "x" * 900}
        with pytest.raises(NodeSaidTooMuch):
            await call_node(row, "GET", "/", max_answer_bytes=900)
    async with peer(node, endless) as row:
        with pytest.raises(NodeSaidTooMuch):
            await call_node(row, "GET", "/", timeout_s=60)


async def test_packed_answer_of_a_node_is_not_unfolded(node: NodeRow) -> None:
    bomb = gzip.compress(b" " * 50_000_000)

    async with peer(node, saying(bomb, "Content-Encoding: gzip")) as row:
        with pytest.raises(NodeSaidNo) as refused:
            await call_node(row, "GET", "/")

    assert "packed" in refused.value.message


async def test_node_that_answers_a_byte_at_a_time_takes_too_long(node: NodeRow) -> None:
    async def dripping(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with peer(node, dripping) as row:
        with pytest.raises(NodeTimeout):
            await call_node(row, "GET", "/", timeout_s=1)


async def test_reason_of_a_refusal_is_shown_in_part(node: NodeRow) -> None:
    told: Any = json.dumps({"error": "no " * 10_000}).encode()

    async with peer(node, saying(told, status="418 No")) as row:
        with pytest.raises(NodeSaidNo) as refused:
            await call_node(row, "GET", "/")

    assert refused.value.node_status == 418
    assert len(refused.value.message) < 600
