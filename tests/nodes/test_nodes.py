"""Nodes over the native API, and what nodes themselves may do."""

from __future__ import annotations

from typing import Any

from muntin.nodes.models import NodeRow
from muntin.testing.callers import Caller, People

NODES = "/api/v1/admin/nodes"


async def make(admin: Caller, name: str, **more: Any) -> dict[str, Any]:
    answer = await admin.post(NODES, {"name": name, "fqdn": "node.example.test", "memory": 4096, "disk": 10240, **more})
    assert answer.status == 201, answer.body
    return dict(answer.data)


async def test_new_node_shows_its_token_once(admin: Caller) -> None:
    made = await make(admin, "alpha")

    assert len(made.pop("daemon_token")) == 64
    assert len(made.pop("daemon_token_id")) == 16
    assert (await admin.get(f"{NODES}/{made['id']}")).data == made
    assert made["status"] == "offline"
    assert made["allocated"] == {"memory": 0, "disk": 0, "cpu": 0, "servers": 0}


async def test_second_node_of_a_name_is_a_conflict(admin: Caller) -> None:
    await make(admin, "twice")

    answer = await admin.post(NODES, {"name": "twice", "fqdn": "10.0.0.1", "memory": 1, "disk": 1})

    assert (answer.status, answer.code) == (409, "conflict")
    assert await NodeRow.filter(name="twice").count() == 1


async def test_each_wrong_field_is_named(admin: Caller) -> None:
    answer = await admin.post(NODES, {"name": "", "fqdn": "not a host", "memory": -1, "price": 3})

    assert (answer.status, answer.code) == (422, "validation_error")
    assert set(answer.body["error"]["details"]) == {"name", "fqdn", "memory", "disk", "price"}


async def test_enrolment_token_works_once(admin: Caller, stranger: Caller) -> None:
    made = await make(admin, "enrolled")
    token = (await admin.post(f"{NODES}/{made['id']}/enrolment-token")).data["token"]

    first = await stranger.post("/api/node/enrol", {"token": token})
    second = await stranger.post("/api/node/enrol", {"token": token})

    assert first.status == 200
    assert first.body["uuid"] == made["id"]
    assert first.body["token"] == made["daemon_token"]
    assert second.status == 404


async def test_rotated_token_is_taken_beside_the_old_one_until_used(admin: Caller, people: People) -> None:
    made = await make(admin, "rotating")
    old = people.bearer(f"{made['daemon_token_id']}.{made['daemon_token']}")

    rotated = (await admin.post(f"{NODES}/{made['id']}/rotate-token")).data

    new = people.bearer(f"{rotated['daemon_token_id']}.{rotated['daemon_token']}")
    assert rotated["daemon_token"] != made["daemon_token"]
    assert (await old.get("/api/node/nothing")).status == 404
    assert (await new.get("/api/node/nothing")).status == 404


async def test_wrong_node_token_is_refused(admin: Caller, people: People) -> None:
    made = await make(admin, "guarded")

    answers = [
        await people.bearer("only-one-part").get("/api/node/bus"),
        await people.bearer(f"{made['daemon_token_id']}.{'x' * 64}").get("/api/node/bus"),
    ]

    assert [answer.status for answer in answers] == [400, 403]


async def test_node_goes_with_maintenance(admin: Caller) -> None:
    made = await make(admin, "resting")

    changed = await admin.put(f"{NODES}/{made['id']}", {"maintenance_mode": True})

    assert changed.data["status"] == "maintenance"
    listed = await admin.get(f"{NODES}?status=maintenance")
    assert [node["name"] for node in listed.data] == ["resting"]


async def test_deleted_node_is_gone(admin: Caller) -> None:
    made = await make(admin, "leaving")

    answer = await admin.delete(f"{NODES}/{made['id']}")

    assert answer.status == 204
    assert (await admin.get(f"{NODES}/{made['id']}")).status == 404


async def test_figures_of_an_absent_node_say_that_it_does_not_answer(admin: Caller) -> None:
    made = await make(admin, "absent", fqdn="127.0.0.1", scheme="http", daemon_port=1)

    answer = await admin.get(f"{NODES}/{made['id']}/stats")

    assert (answer.status, answer.code) == (503, "node_unreachable")


async def test_plain_account_may_not_see_nodes(user: Caller, stranger: Caller) -> None:
    assert (await user.get(NODES)).status == 403
    assert (await stranger.get(NODES)).status == 401
