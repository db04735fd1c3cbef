"""A server moves to another node: what the panel asks of both, and what it makes of what they say."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from muntin.nodes.models import NodeRow
from muntin.testing.accounts import Accounts
from muntin.testing.callers import Caller, People
from muntin.testing.clock import Clock
from muntin.testing.outbox import Outbox
from muntin_gameservers.models import LeftoverRow, ServerRow
from muntin_node.tokens import REGISTRY

from .moving import SECRET, Move, a_move

OFFLINE = {"state": "offline", "is_transferring": False}


@pytest.fixture
async def move(admin: Caller, people: People, made: Any, outbox: Outbox) -> AsyncIterator[Move]:
    """A running server that can be moved."""
    async with a_move(admin, people, made, outbox, power="running") as given:
        for node in (given.old, given.new):
            node.answers["GET /api/servers/{uuid}"] = (200, OFFLINE)
        yield given


async def test_server_is_sent_by_the_old_node_and_runs_on_the_new_one(move: Move) -> None:
    old_port, new_ports = move.ports

    ordered = await move.order()
    kept, meanwhile = await move.addresses(), await move.shown()
    await move.outbox.relay()
    told = list(move.old.heard)
    arrived = await move.report(1, "success")
    await move.outbox.relay()

    transfer_id = ordered.data["transfer_id"]
    assert ordered.data == {"accepted": True, "transfer_id": transfer_id, "status": "transferring"}
    assert kept == {"old": [old_port], "new": new_ports}
    assert meanwhile == {**move.unmoved, "status": "transferring", "is_locked": True}
    assert [(method, path) for method, path, _body in told] == [("POST", f"{move.path}/transfer")]
    assert arrived == 204
    place = {"node_id": str(move.nodes[1].id), "allocation_id": str(move.places[0].id)}
    assert await move.shown() == {"status": "offline", "is_locked": False, **place, "problem": ""}
    assert await move.addresses() == {"old": [], "new": new_ports}
    assert move.old.heard[1:] == [
        ("DELETE", f"/api/transfers/{move.server.id}", None),
        ("DELETE", move.path, None),
    ]
    assert move.new.heard == [("POST", f"{move.path}/power", {"action": "start", "wait_seconds": 30})]
    assert await LeftoverRow.filter(server_id=move.server.id).count() == 0
    assert await _events(move) == [
        ("server.transfer_started", {}),
        ("server.transferred", {}),
    ]


async def _events(move: Move) -> list[tuple[str, dict[str, Any]]]:
    """What was told of the move, beyond what is the same in all."""
    server, (old, new) = move.server, move.nodes
    same = {
        "server_id": str(server.id), "name": server.name, "owner_id": str(server.owner_id),
        "from_node_id": str(old.id), "to_node_id": str(new.id),
    }  # fmt: skip
    found = []
    for one in await move.outbox.recorded("server.transfer*"):
        assert {name: one.payload[name] for name in same} == same
        found.append((one.type, {name: value for name, value in one.payload.items() if name not in same}))
    return found


async def test_old_node_is_given_a_token_that_the_new_one_takes_for_this_server_alone(move: Move) -> None:
    await move.begin()

    [(_method, _path, body)] = move.old.heard
    scheme, _space, token = body.pop("token").partition(" ")
    claims = jwt.decode(token, OctKey.import_key(SECRET), registry=REGISTRY).claims
    server_id = str(move.server.id)
    assert body == {
        "url": f"http://127.0.0.1:{move.new.port}/api/transfers",
        "server_id": server_id,
        "server": {"uuid": server_id, "start_on_completion": False},
    }
    assert scheme == "Bearer"
    assert {name: claims[name] for name in ("sub", "scope", "jti")} == {
        "sub": server_id, "scope": "transfer", "jti": hashlib.sha256(server_id.encode()).hexdigest(),
    }  # fmt: skip
    assert claims["exp"] - claims["iat"] == 15 * 60
    assert (await ServerRow.get(id=server_id)).stage == "transferring"


async def test_what_fails_leaves_the_server_where_it_was_and_starts_it_again(move: Move) -> None:
    await move.begin()

    told = await move.report(0, "failure", {"reason": "The disk broke."})
    await move.outbox.relay()

    old_port, _new_ports = move.ports
    assert told == 204
    assert await move.shown() == move.unmoved
    assert await move.addresses() == {"old": [old_port], "new": []}
    assert move.old.heard[1:] == [
        ("POST", f"{move.path}/sync", None),
        ("DELETE", f"{move.path}/transfer", None),
        ("POST", f"{move.path}/power", {"action": "start", "wait_seconds": 30}),
    ]
    assert move.new.heard == [("DELETE", f"/api/transfers/{move.server.id}", None), ("DELETE", move.path, None)]
    assert (await _events(move))[1:] == [("server.transfer_failed", {"reason": "The disk broke."})]
    assert (await move.order()).status == 200


async def test_cancelled_move_leaves_the_server_where_it_was(move: Move, account: Accounts) -> None:
    await move.begin()
    browser = await account.visitor("canceller", role="administrator")

    page = await browser.get(f"/admin/servers/{move.server.id}")
    answer = await browser.post(f"/admin/servers/{move.server.id}/transfer/cancel")
    again = await browser.post(f"/admin/servers/{move.server.id}/transfer/cancel")
    late = await move.report(1, "success")

    assert f"The server is being moved from {move.nodes[0].name} to {move.nodes[1].name}" in page.text
    assert (answer.status, again.status, late) == (303, 303, 409)
    assert await move.shown() == move.unmoved
    assert (await _events(move))[1:] == [("server.transfer_failed", {"reason": "It was cancelled by canceller."})]


@pytest.mark.parametrize(
    ("state", "reports"),
    [
        ("pending", [(0, "success", 409), (1, "success", 409), (2, "success", 404), (2, "failure", 404)]),
        ("running", [(0, "success", 409), (2, "success", 404), (2, "failure", 404), (1, "failure", 204)]),
        ("failed", [(0, "failure", 409), (1, "failure", 409), (1, "success", 409), (2, "success", 404)]),
        ("succeeded", [(1, "success", 204), (0, "success", 409), (0, "failure", 409), (1, "failure", 409)]),
    ],
)
async def test_only_who_takes_part_ends_a_move_and_only_once(
    move: Move, state: str, reports: list[tuple[int, str, int]]
) -> None:
    if state == "pending":
        await move.order()
    else:
        await move.begin()
    if state in ("failed", "succeeded"):
        await move.report(1, {"failed": "failure", "succeeded": "success"}[state])

    answers = [(number, how, await move.report(number, how)) for number, how, _status in reports]

    assert answers == reports


async def test_success_and_failure_at_once_are_decided_once(move: Move) -> None:
    await move.begin()

    answers = await asyncio.gather(*(move.report(*one) for one in [(1, "success"), (0, "failure")] * 5))

    arrived, failed = answers[::2], answers[1::2]
    node_id = (await move.shown())["node_id"]
    if 204 in failed:
        assert (sorted(failed), set(arrived), node_id) == ([204, 409, 409, 409, 409], {409}, str(move.nodes[0].id))
    else:
        assert (set(failed), set(arrived), node_id) == ({409}, {204}, str(move.nodes[1].id))


async def test_new_node_reads_what_it_will_run_and_nothing_more_until_it_has_it(move: Move) -> None:
    old, new, other = move.reports
    path = f"/api/remote/servers/{move.server.id}"
    await move.order()
    early = (await new.get(path)).status
    await move.outbox.relay()

    there, here = await new.get(path), await old.get(path)
    listed = {who: (await one.get("/api/remote/servers")).body["meta"]["total"] for who, one in
              (("old", old), ("new", new))}  # fmt: skip
    change = {"data": {"previous_state": "offline", "new_state": "running"}}
    told = [(await one.post(f"{path}/container/status", change)).status for one in (new, other)]

    old_port, new_ports = move.ports
    places = {"force_outgoing_ip": False, "default": {"ip": "192.0.2.1", "port": new_ports[0]}}
    assert (early, (await other.get(path)).status) == (404, 404)
    assert there.body["settings"].pop("allocations") == {**places, "mappings": {"192.0.2.1": new_ports}}
    assert here.body["settings"].pop("allocations")["mappings"] == {"192.0.2.1": [old_port]}
    assert _without_port(there.body, new_ports[0]) == _without_port(here.body, old_port)
    assert (listed, told) == ({"old": 1, "new": 0}, [404, 404])


def _without_port(body: Any, port: int) -> str:
    """The process configuration is written for a port."""
    return json.dumps(body).replace(str(port), "PORT")


@pytest.mark.parametrize("number", [0, 1])
async def test_node_that_starts_ends_the_moves_it_took_part_in(move: Move, number: int) -> None:
    await move.begin()

    await move.reports[number].post("/api/remote/servers/reset", None)

    name = move.nodes[number].name
    assert await move.shown() == move.unmoved
    assert (await _events(move))[1:] == [
        ("server.transfer_failed", {"reason": f"The node {name} was started again meanwhile."})
    ]


async def test_node_that_starts_leaves_a_move_that_waits_alone(move: Move) -> None:
    await move.order()

    answers = [(await one.post("/api/remote/servers/reset", None)).status for one in move.reports]
    await move.outbox.relay()

    assert answers == [204, 204, 204]
    assert [path for _method, path, _body in move.old.heard] == [f"{move.path}/transfer"]
    assert (await move.shown())["status"] == "transferring"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((409, {"error": "It is being moved already."}), "The node refused: It is being moved already."),
        ((404, {"error": "No such server."}), "The node refused: No such server."),
        ((500, {"error": "It could not be stopped."}), "The node refused: It could not be stopped."),
    ],
)
async def test_old_node_that_refuses_ends_the_move_with_its_reason(
    move: Move, answer: tuple[int, Any], reason: str
) -> None:
    move.old.answers["POST /api/servers/{uuid}/transfer"] = answer

    await move.begin()

    assert await move.shown() == move.unmoved
    assert (await _events(move))[1:] == [("server.transfer_failed", {"reason": reason})]


async def test_old_node_that_does_not_answer_is_asked_again_and_may_have_begun_already(
    move: Move, clock: Clock
) -> None:
    await NodeRow.filter(id=move.nodes[0].id).update(daemon_port=1)
    answer = await move.order()
    assert (answer.status, answer.code) == (503, "node_unreachable")
    await NodeRow.filter(id=move.nodes[0].id).update(daemon_port=move.old.port)
    assert (await move.order()).status == 200

    await NodeRow.filter(id=move.nodes[0].id).update(daemon_port=1)
    await move.outbox.relay()
    waiting = (await move.shown())["status"]
    await NodeRow.filter(id=move.nodes[0].id).update(daemon_port=move.old.port)
    move.old.answers["POST /api/servers/{uuid}/transfer"] = (409, {"error": "It is being moved already."})
    clock.advance(minutes=1)
    await move.outbox.relay()

    assert waiting == "transferring"
    assert (await move.shown())["status"] == "transferring"
    assert await move.report(1, "success") == 204


async def test_old_node_that_stays_away_ends_the_move(move: Move, clock: Clock) -> None:
    await move.order()
    await NodeRow.filter(id=move.nodes[0].id).update(daemon_port=1)

    for _attempt in range(5):
        await move.outbox.relay()
        clock.advance(minutes=1)

    assert await move.shown() == {**move.unmoved, "problem": "The node cannot be reached right now."}
    assert [kind for kind, _more in await _events(move)] == ["server.transfer_started", "server.transfer_failed"]
