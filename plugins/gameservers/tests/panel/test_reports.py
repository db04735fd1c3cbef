"""What nodes report of their servers, and what people are told of it."""

from __future__ import annotations

from typing import Any

import pytest

from muntin.nodes.credentials import seal
from muntin.nodes.models import NodeRow
from muntin.testing.callers import Caller, People
from muntin_gameservers.models import ServerRow

EXIT = {"code": 1, "oom": False, "at": "2026-01-01T00:00:00+00:00", "reason": "its process ended with exit code 1"}


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
async def test_failed_start_or_crash_is_a_problem_until_it_starts_again(
    admin: Caller, people: People, made: Any, previous: str, last_exit: dict[str, Any], problem: str
) -> None:
    server, node = await _server(admin, people, made)
    path = f"/api/remote/servers/{server.id}/container/status"
    ended = {"previous_state": previous, "new_state": "offline", "last_exit": last_exit}

    answer = await node.post(path, {"data": ended})
    told = (await admin.get(f"/api/v1/servers/{server.id}")).data["problem"]
    await node.post(path, {"data": {"previous_state": "offline", "new_state": "starting"}})
    again = (await admin.get(f"/api/v1/servers/{server.id}")).data

    assert answer.status == 200, answer.body
    assert told == problem
    assert (again["status"], again["problem"]) == ("starting", "")


async def _server(admin: Caller, people: People, made: Any) -> tuple[ServerRow, Caller]:
    """A running server and its node."""
    server: ServerRow = await made.server(admin.account_id)
    await ServerRow.filter(id=server.id).update(stage="ready", power="running", problem="")
    await NodeRow.filter(id=server.node_id).update(token=seal("n" * 64))
    row = await NodeRow.get(id=server.node_id)
    return server, people.bearer(f"{row.token_id}.{'n' * 64}")
