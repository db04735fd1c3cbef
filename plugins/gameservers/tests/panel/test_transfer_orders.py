"""Moves that are refused, what is refused meanwhile, and how much of a node they take."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from muntin.nodes.credentials import seal
from muntin.nodes.models import NodeRow
from muntin.roles.models import ADMIN_ID, RoleRow
from muntin.testing.callers import Caller, People
from muntin.testing.outbox import Outbox
from muntin_gameservers.models import AllocationRow, LeftoverRow, ServerRow, TransferRow

from .moving import SECRET, Move, a_move, wings

LOCKED = "The server is being moved to another node; wait until it is there."


@pytest.fixture
async def move(admin: Caller, people: People, made: Any, outbox: Outbox) -> AsyncIterator[Move]:
    """A server that can be moved, stopped."""
    async with a_move(admin, people, made, outbox) as given:
        yield given


async def _refused(move: Move, **changes: Any) -> tuple[int, Any]:
    """How an order is refused: status and what is said; nothing was changed by it."""
    before = (await move.shown(), await move.addresses())
    answer = await move.order(**changes)
    assert (await move.shown(), await move.addresses()) == before
    assert not await TransferRow.exists(server_id=move.server.id)
    error = answer.body["error"]
    return answer.status, error["details"] if answer.status == 422 else (error["code"], error["message"])


async def test_wrong_fields_are_named(move: Move, made: Any) -> None:
    first, second = (str(one.id) for one in move.places)
    own = str(move.server.allocation_id)

    refusals = [
        await _refused(move, node_id=str(uuid4())),
        await _refused(move, node_id=str(move.nodes[0].id)),
        await _refused(move, allocation_id=own),
        await _refused(move, allocation_id=second),
        await _refused(move, additional_allocation_ids=[first]),
        await _refused(move, additional_allocation_ids=[own]),
    ]

    twice = {"additional_allocation_ids": ["An address is listed twice."]}
    elsewhere = ["Not all of these addresses exist on the server's node."]
    assert refusals == [
        (422, {"node_id": ["There is no such node."]}),
        (422, {"node_id": ["The server is on this node already."]}),
        (422, {"allocation_id": elsewhere}),
        (422, twice),
        (422, twice),
        (422, {"additional_allocation_ids": elsewhere}),
    ]


async def test_what_the_node_cannot_take_is_a_conflict(move: Move, made: Any, admin: Caller) -> None:
    node = move.nodes[1]
    other = await made.server(admin.account_id, node=node)

    await AllocationRow.filter(id=move.places[1].id).update(server_id=other.id)
    taken = await _refused(move)
    await AllocationRow.filter(id=move.places[1].id).update(server_id=None)
    await LeftoverRow.create(node_id=node.id, server_id=move.server.id)
    left = await _refused(move)
    await LeftoverRow.filter(node_id=node.id).delete()
    full = []
    for values in ({"memory_mib": 1023}, {"memory_mib": 1024, "disk_mib": 2047}):
        await NodeRow.filter(id=node.id).update(**values)
        full.append(await _refused(move))

    room = f"The node {node.name} has not enough free memory or disk."
    again = f"The node {node.name} still removes what it has of this server; try again in a moment."
    assert taken == (409, ("conflict", "An address was taken by another server."))
    assert left == (409, ("conflict", again))
    assert full == [(409, ("conflict", room))] * 2
    await NodeRow.filter(id=node.id).update(memory_mib=1024, disk_mib=2048)
    assert (await move.order()).status == 200


async def test_nodes_that_are_away_or_in_maintenance_are_named(move: Move) -> None:
    old, new = move.nodes
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    refusals = []
    for node, values in (
        (new, {"maintenance_mode": True}),
        (new, {"daemon_port": 1}),
        (new, {"last_seen_at": long_ago}),
        (old, {"last_seen_at": long_ago}),
        (old, {"daemon_port": 1}),
    ):
        await NodeRow.filter(id=node.id).update(**values)
        refusals.append(await _refused(move))
        await node.save()  # as it was

    def away(node: NodeRow) -> tuple[int, Any]:
        return 503, ("node_unreachable", f"The node {node.name} cannot be reached right now.")

    maintained = (503, ("node_unreachable", f"The node {new.name} is in maintenance."))
    assert refusals == [maintained, away(new), away(new), away(old), away(old)]
    await NodeRow.filter(id=old.id).update(maintenance_mode=True)  # what one moves servers away from
    assert (await move.order()).status == 200


@pytest.mark.parametrize("stage", ["installing", "install_failed", "deleting"])
async def test_server_that_is_not_ready_stays(move: Move, stage: str) -> None:
    await ServerRow.filter(id=move.server.id).update(stage=stage)

    assert await _refused(move) == (409, ("server_locked", "The server is busy; wait until it is done."))


async def test_suspended_server_moves_and_stays_suspended(move: Move) -> None:
    await ServerRow.filter(id=move.server.id).update(is_suspended=True)

    await move.begin()
    meanwhile = (await move.shown())["status"]
    await move.report(1, "success")
    await move.outbox.relay()

    assert meanwhile == "transferring"
    assert (await move.shown())["status"] == "suspended"
    assert move.new.heard == []


async def test_nothing_is_done_with_a_server_while_it_is_moved_but_looking(move: Move, admin: Caller) -> None:
    await move.order()
    own, any_ = f"/api/v1/servers/{move.server.id}", f"/api/v1/admin/servers/{move.server.id}"
    port = f"{own}/allocations/{move.server.allocation_id}"

    refusals = [
        await admin.post(f"{own}/power", {"action": "start"}),
        await admin.post(f"{own}/command", {"command": "say hello"}),
        await admin.post(f"{own}/reinstall", {}),
        await admin.put(f"{own}/settings", {"name": "other"}),
        await admin.put(f"{own}/startup", {"environment": {"SLOTS": "9"}}),
        await admin.post(f"{own}/allocations"),
        await admin.put(port, {"notes": "mine"}),
        await admin.ask("DELETE", port),
        await admin.put(any_, {"memory": 256}),
        await admin.post(f"{any_}/suspend", {}),
        await admin.post(f"{any_}/unsuspend"),
        await admin.post(f"{any_}/reinstall", {}),
        await admin.post(f"{any_}/transfer", move.body),
        await admin.ask("DELETE", any_),
    ]
    looks = [
        await admin.get(path)
        for path in (own, any_, f"{own}/resources", f"{own}/startup", f"{own}/activity", f"{own}/permissions")
    ]

    told = {(one.status, one.body["error"]["code"], one.body["error"]["message"]) for one in refusals[:-1]}
    assert told == {(409, "server_locked", LOCKED)}
    assert (refusals[-1].status, refusals[-1].code) == (409, "server_locked")
    assert [one.status for one in looks] == [200] * 6
    assert move.old.heard == []
    found = f"/api/v1/admin/servers?node_id={move.server.node_id}&status="
    listed = {status: (await admin.get(found + status)).data for status in ("transferring", "offline")}
    assert {status: [one["id"] for one in rows] for status, rows in listed.items()} == {
        "transferring": [str(move.server.id)], "offline": [],
    }  # fmt: skip
    ports = (await admin.get(f"{own}/allocations")).data
    assert [one["id"] for one in ports] == [str(move.server.allocation_id)]


async def test_forced_deletion_ends_the_move_and_removes_the_server_at_both_nodes(move: Move, admin: Caller) -> None:
    await move.begin()

    answer = await admin.ask("DELETE", f"/api/v1/admin/servers/{move.server.id}?force=true")
    late = await move.report(1, "success")
    await move.outbox.relay()

    assert (answer.status, late) == (204, 404)
    assert ("DELETE", move.path, None) in move.old.heard
    assert move.new.heard == [("DELETE", f"/api/transfers/{move.server.id}", None), ("DELETE", move.path, None)]
    assert await AllocationRow.filter(server_id=move.server.id).count() == 0
    assert await AllocationRow.filter(id__in=[one.id for one in move.places], server_id=None).count() == 2
    assert not await TransferRow.exists(server_id=move.server.id)
    assert not await LeftoverRow.exists(server_id=move.server.id)


async def test_fifty_moves_at_once_take_no_more_than_the_node_has(people: People, made: Any) -> None:
    await RoleRow.filter(id=ADMIN_ID).update(rate_limit_multiplier=1000)
    boss = await people.sign_in("mover", role_id=ADMIN_ID)
    async with wings() as old, wings() as new:
        here = {"fqdn": "127.0.0.1", "scheme": "http", "token": seal(SECRET)}
        source = await made.node(memory_mib=100_000, daemon_port=old.port, **here)
        target = await made.node(memory_mib=5 * 1024, daemon_port=new.port, **here)
        egg = await made.egg()
        servers = [await made.server(boss.account_id, source, egg, memory_mib=1024) for _index in range(50)]
        places = [await made.allocation(target) for _index in range(50)]

        async def order(number: int) -> int:
            body = {"node_id": str(target.id), "allocation_id": str(places[number].id)}
            path = f"/api/v1/admin/servers/{servers[number].id}/transfer"
            return (await boss.post(path, body)).status

        outcomes = Counter(await asyncio.gather(*map(order, range(50))))
        told = (await boss.get(f"/api/v1/admin/nodes/{target.id}")).data["allocated"]
        wanted = {"name": "one more", "user_id": str(boss.account_id), "egg_id": str(egg.id), "memory": 128,
                  "node_id": str(target.id)}  # fmt: skip
        more = await boss.post("/api/v1/admin/servers", wanted)

    assert outcomes == {200: 5, 409: 45}
    assert await AllocationRow.filter(node_id=target.id, server_id__not_isnull=True).count() == 5
    assert told == {"memory": 5 * 1024, "disk": 5 * 1024, "cpu": 5 * 50, "servers": 5}
    assert (more.status, more.code) == (409, "no_allocation_available")
