"""What is left over of a move is removed however long a node is away, and moves that nobody ends are ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from muntin.database import transaction
from muntin.jobs import enqueue
from muntin.jobs.models import JobRow
from muntin.nodes.models import NodeRow
from muntin.testing.callers import Caller, People
from muntin.testing.clock import Clock
from muntin.testing.outbox import Outbox
from muntin_gameservers.models import LeftoverRow, ServerRow
from muntin_gameservers.servers.leftovers import leave_behind

from .moving import Move, a_move

KNOWN, UNKNOWN = (200, {"state": "offline", "is_transferring": False}), (404, {"error": "No such server."})
SENDING, WINGS = (200, {"state": "offline", "is_transferring": True}), (200, {"state": "offline"})


@pytest.fixture
async def move(admin: Caller, people: People, made: Any, outbox: Outbox) -> AsyncIterator[Move]:
    """A server that can be moved, stopped; both nodes were heard of just now."""
    async with a_move(admin, people, made, outbox) as given:
        await NodeRow.filter(id__in=[one.id for one in given.nodes]).update(last_seen_at=datetime.now(UTC))
        yield given


async def _left(move: Move) -> list[Any]:
    """The nodes that have something left of the server."""
    return await LeftoverRow.filter(server_id=move.server.id).values_list("node_id", flat=True)


async def _let_pass(move: Move, clock: Clock, **time: float) -> None:
    """Do what becomes due meanwhile, and what is done every few minutes."""
    clock.advance(**time)
    async with transaction() as events:
        await enqueue(events, "gameservers.tidy")
    await move.outbox.relay()


async def test_old_node_that_went_away_removes_its_part_when_it_is_back(move: Move, clock: Clock) -> None:
    await move.begin()
    await NodeRow.filter(id=move.nodes[0].id).update(daemon_port=1)
    await move.report(1, "success")
    for _attempt in range(5):
        await _let_pass(move, clock, minutes=1)
    await NodeRow.filter(id=move.nodes[0].id).update(last_seen_at=datetime.now(UTC) - timedelta(hours=1))
    await _let_pass(move, clock, days=3)
    kept, heard = await _left(move), list(move.old.heard)

    await NodeRow.filter(id=move.nodes[0].id).update(daemon_port=move.old.port, last_seen_at=datetime.now(UTC))
    await _let_pass(move, clock, minutes=10)

    assert (kept, len(heard)) == ([move.nodes[0].id], 1)
    assert await _left(move) == []
    assert move.old.heard[1:] == [("DELETE", f"/api/transfers/{move.server.id}", None), ("DELETE", move.path, None)]


async def test_node_that_has_the_server_is_never_told_to_remove_it(move: Move) -> None:
    async with transaction() as events:
        await leave_behind(events, move.nodes[0].id, move.server.id)

    await move.outbox.relay()

    assert (await _left(move), move.old.heard) == ([], [])


async def test_node_that_refuses_to_remove_its_part_is_asked_again_later(move: Move, clock: Clock) -> None:
    move.old.answers["DELETE /api/servers/{uuid}"] = (500, {"error": "busy"})
    await move.begin()
    await move.report(1, "success")
    await move.outbox.relay()
    kept = await _left(move)
    await JobRow.all().delete()  # the worker is gone for good

    move.old.answers.clear()
    await _let_pass(move, clock, minutes=10)

    assert (kept, await _left(move)) == ([move.nodes[0].id], [])


@pytest.mark.parametrize(
    ("old", "new", "hours", "status"),
    [
        (KNOWN, UNKNOWN, 0.1, "offline"),
        (UNKNOWN, UNKNOWN, 0.1, "transferring"),  # it knows nothing of moves either
        (SENDING, UNKNOWN, 30, "transferring"),
        (KNOWN, KNOWN, 30, "transferring"),
        (KNOWN, (500, {"error": "?"}), 30, "transferring"),
        (WINGS, UNKNOWN, 23, "transferring"),
        (WINGS, UNKNOWN, 25, "offline"),
    ],
)
async def test_move_of_which_neither_node_knows_is_ended(
    move: Move, clock: Clock, old: Any, new: Any, hours: float, status: str
) -> None:
    for node, answer in ((move.old, old), (move.new, new)):
        node.answers["GET /api/servers/{uuid}"] = answer
    await move.begin()

    await _let_pass(move, clock, hours=hours)

    assert (await move.shown())["status"] == status


async def test_move_that_never_begins_is_ended(move: Move, clock: Clock) -> None:
    await move.order()
    await JobRow.filter(name="gameservers.transfer").delete()
    found = []

    for _step in range(3):
        await _let_pass(move, clock, minutes=6)
        found.append((await ServerRow.get(id=move.server.id)).stage)

    assert found == ["transferring", "ready", "ready"]
