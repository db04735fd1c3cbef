"""What nodes report of their servers, and what people are told of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from muntin.errors import NodeUnreachable
from muntin.jobs import JobContext
from muntin.nodes.credentials import seal
from muntin.nodes.models import NodeRow
from muntin.testing.callers import Caller, People
from muntin_gameservers.models import ServerRow
from muntin_gameservers.servers.jobs import sync

EXIT = {"code": 1, "oom": False, "at": "2026-01-01T00:00:00+00:00", "reason": "its process ended with exit code 1"}


async def _no_progress(percent: int, text: str) -> None:
    """Nobody looks at how far the job is."""


JOB = JobContext(UUID(int=0), "gameservers.sync", 1, _no_progress)


@pytest.mark.parametrize(
    ("previous", "last_exit", "problem"),
    [
        ("running", EXIT, EXIT["reason"]),
        ("starting", EXIT, EXIT["reason"]),
        ("stopping", EXIT, ""),
        ("stopping", {**EXIT, "code": -1, "reason": "The port is taken."}, "The port is taken."),
        ("running", {**EXIT, "code": 0}, ""),
    ],
)
async def test_failed_start_or_crash_is_a_problem_until_it_runs_again(
    admin: Caller, people: People, made: Any, previous: str, last_exit: dict[str, Any], problem: str
) -> None:
    server, node = await _server(admin, people, made)
    path = f"/api/remote/servers/{server.id}/container/status"
    ended = {"previous_state": previous, "new_state": "offline", "last_exit": last_exit}

    answer = await node.post(path, {"data": ended})
    told = (await admin.get(f"/api/v1/servers/{server.id}")).data["problem"]
    seen = []
    for before, now in (("offline", "starting"), ("starting", "running")):
        await node.post(path, {"data": {"previous_state": before, "new_state": now, "last_exit": last_exit}})
        shown = (await admin.get(f"/api/v1/servers/{server.id}")).data
        seen.append((shown["status"], shown["problem"]))

    assert answer.status == 200, answer.body
    assert told == problem
    assert seen == [("starting", problem), ("running", "")]


async def test_reason_of_a_crash_outlives_a_sync_that_failed_and_one_that_succeeded(
    admin: Caller, people: People, made: Any
) -> None:
    server, node = await _server(admin, people, made)
    ended = {"previous_state": "running", "new_state": "offline", "last_exit": EXIT}
    await node.post(f"/api/remote/servers/{server.id}/container/status", {"data": ended})

    await NodeRow.filter(id=server.node_id).update(fqdn="127.0.0.1", scheme="http", daemon_port=1)
    with pytest.raises(NodeUnreachable):
        await sync(JOB, server_id=str(server.id))
    away = (await ServerRow.get(id=server.id)).problem
    async with accepting() as port:
        await NodeRow.filter(id=server.node_id).update(daemon_port=port)
        await sync(JOB, server_id=str(server.id))

    assert away == NodeUnreachable().message
    assert (await ServerRow.get(id=server.id)).problem == EXIT["reason"]


@asynccontextmanager
async def accepting() -> AsyncIterator[int]:
    """A node that says yes to everything; the port it listens on."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as listening:
        yield listening.sockets[0].getsockname()[1]


async def _server(admin: Caller, people: People, made: Any) -> tuple[ServerRow, Caller]:
    """A running server and its node."""
    server: ServerRow = await made.server(admin.account_id)
    await ServerRow.filter(id=server.id).update(stage="ready", power="running", problem="")
    await NodeRow.filter(id=server.node_id).update(token=seal("n" * 64))
    row = await NodeRow.get(id=server.node_id)
    return server, people.bearer(f"{row.token_id}.{'n' * 64}")
