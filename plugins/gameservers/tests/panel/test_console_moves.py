"""Whoever watches a console goes with the server to its new node, and misses no line."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from muntin.nodes.credentials import seal
from muntin.testing.callers import Caller
from muntin.testing.waiting import until
from muntin_gameservers.console.upstream import Upstream
from muntin_gameservers.models import ServerRow


@dataclass
class Speaker:
    """A node that shows the same lines to each who asks, numbered from 0.

    Attributes:
        asked: What each asked for: the number of the last line it knows, or nothing.
    """

    lines: list[str]
    port: int = 0
    asked: list[list[str]] = field(default_factory=list)

    async def talk(self, line: ServerConnection) -> None:
        async for message in line:
            frame = json.loads(message)
            if frame["event"] == "auth":
                await line.send(json.dumps({"event": "auth success", "args": []}))
            elif frame["event"] == "send logs":
                self.asked.append(frame["args"])
                first = int(frame["args"][0]) + 1 if frame["args"] else 0
                said = {"event": "console output", "args": self.lines[first:], "seq": first}
                await line.send(json.dumps(said))


@asynccontextmanager
async def speaking(*lines: str) -> AsyncIterator[Speaker]:
    """A node that listens on a free port of this machine."""
    speaker = Speaker(list(lines))
    async with serve(speaker.talk, "127.0.0.1", 0) as server:
        speaker.port = next(iter(server.sockets)).getsockname()[1]
        yield speaker


async def test_lines_of_the_new_node_are_numbered_on(admin: Caller, made: Any) -> None:
    async with speaking("old 0", "old 1") as old, speaking("new 0", "new 1") as new:
        here = {"fqdn": "127.0.0.1", "scheme": "http", "token": seal("n" * 64)}
        nodes = [await made.node(daemon_port=one.port, **here) for one in (old, new)]
        server = await made.server(admin.account_id, nodes[0])
        upstream = Upstream(server)
        seen = upstream.lines.history

        upstream.open()
        await until(lambda: len(seen(10)) == 2)
        await ServerRow.filter(id=server.id).update(stage="transferring")
        await upstream.look_again()
        moving = upstream.status
        await ServerRow.filter(id=server.id).update(stage="ready", node_id=nodes[1].id)
        await upstream.look_again()
        await until(lambda: len(seen(10)) == 4)
        await upstream.close()

    assert list(seen(10)) == ["0:old 0", "1:old 1", "2:new 0", "3:new 1"]
    assert (old.asked, new.asked) == ([[]], [[]])
    assert (moving, upstream.status) == ("transferring", "offline")
    frames = [json.loads(one) for one in upstream.signals.history(10)]
    assert frames == [{"type": "status", "status": "transferring"}, {"type": "status", "status": "offline"}]


async def test_lines_are_asked_for_by_the_numbers_of_the_node_that_has_them(admin: Caller, made: Any) -> None:
    async with speaking("old 0") as old, speaking("new 0", "new 1") as new:
        here = {"fqdn": "127.0.0.1", "scheme": "http", "token": seal("n" * 64)}
        nodes = [await made.node(daemon_port=one.port, **here) for one in (old, new)]
        server = await made.server(admin.account_id, nodes[0])
        upstream = Upstream(server)
        seen = upstream.lines.history

        upstream.open()
        await until(lambda: len(seen(10)) == 1)
        await ServerRow.filter(id=server.id).update(node_id=nodes[1].id)  # nobody says so
        await _break_off(upstream)
        await until(lambda: len(seen(10)) == 3)
        new.lines.append("new 2")
        await _break_off(upstream)
        await until(lambda: len(seen(10)) == 4)
        await upstream.close()

    assert list(seen(10)) == ["0:old 0", "1:new 0", "2:new 1", "3:new 2"]
    assert new.asked == [[], ["1"]]


async def _break_off(upstream: Upstream) -> None:
    """As if the network broke the line."""
    line = upstream._line
    assert line is not None
    line.transport.abort()
