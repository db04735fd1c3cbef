"""`/api/v1/admin/nodes/{id}/allocations`."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from muntin.testing.callers import Caller
from muntin_gameservers.models import AllocationRow


def path_of(node: Any) -> str:
    """The node's list."""
    return f"/api/v1/admin/nodes/{node.id}/allocations"


async def test_addresses_are_added_once(admin: Caller, made: Any) -> None:
    node = await made.node()
    await made.allocation(node, ip="192.0.2.5", port=27016)

    answer = await admin.post(path_of(node), {"ip": "192.0.2.5", "ports": [27017, "27015-27016"], "alias": "play"})
    again = await admin.post(path_of(node), {"ip": "192.0.2.5", "ports": ["27015-27017"]})

    assert answer.status == 201
    assert [{**one, "id": "", "created_at": ""} for one in answer.data] == [
        {
            "id": "",
            "node_id": str(node.id),
            "ip": "192.0.2.5",
            "alias": "play",
            "port": port,
            "server_id": None,
            "is_primary": False,
            "notes": None,
            "created_at": "",
        }
        for port in (27015, 27017)
    ]
    assert (again.status, again.code) == (409, "conflict")
    assert await AllocationRow.filter(node_id=node.id).count() == 3


async def test_network_stands_for_each_of_its_addresses(admin: Caller, made: Any) -> None:
    node = await made.node()

    four = await admin.post(path_of(node), {"ip": "192.0.2.0/30", "ports": ["25565"]})
    six = await admin.post(path_of(node), {"ip": "2001:DB8::1", "ports": [25565]})

    assert [one["ip"] for one in four.data] == ["192.0.2.0", "192.0.2.1", "192.0.2.2", "192.0.2.3"]
    assert [one["ip"] for one in six.data] == ["2001:db8::1"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"ip": "example.test", "ports": [1]}, "ip"),
        ({"ip": "10.0.0.0/8", "ports": [1]}, "ip"),
        ({"ip": "fe80::1%eth0", "ports": [1]}, "ip"),
        ({"ip": "192.0.2.1", "ports": []}, "ports"),
        ({"ip": "192.0.2.1", "ports": ["1-1001"]}, "ports"),
        ({"ip": "192.0.2.1", "ports": [0]}, "ports.0"),
        ({"ip": "192.0.2.1", "ports": [1, "9-3"]}, "ports.1"),
        ({"ip": "192.0.2.1", "ports": ["70000"]}, "ports.0"),
        ({"ip": "192.0.2.1", "ports": [True]}, "ports.0"),
        ({"ip": "192.0.2.1", "ports": [1.5]}, "ports.0"),
        ({"ip": "192.0.2.0/30", "ports": ["1-1000"]}, "ports"),
        ({"ip": "192.0.2.1", "ports": [1], "server_id": None}, "server_id"),
        ({"ip": "192.0.2.1", "ports": [1], "alias": "a\nb"}, "alias"),
    ],
)
async def test_wrong_field_is_named(admin: Caller, made: Any, body: dict[str, Any], field: str) -> None:
    node = await made.node()

    answer = await admin.post(path_of(node), body)

    assert (answer.status, answer.code, list(answer.body["error"]["details"])) == (422, "validation_error", [field])
    assert await AllocationRow.filter(node_id=node.id).count() == 0


async def test_list_is_filtered_and_shows_what_is_primary(admin: Caller, user: Caller, made: Any) -> None:
    node = await made.node()
    server = await made.server(user.account_id, node)
    primary = await AllocationRow.get(id=server.allocation_id)
    free = await made.allocation(node, ip="192.0.2.9")

    whole = await admin.get(path_of(node))
    assigned = await admin.get(f"{path_of(node)}?assigned=true")
    unassigned = await admin.get(f"{path_of(node)}?assigned=false&ip=192.0.2.9")
    by_port = await admin.get(f"{path_of(node)}?port={primary.port}&search={primary.port}")

    assert [(one["id"], one["is_primary"]) for one in whole.data] == [(str(primary.id), True), (str(free.id), False)]
    assert [one["server_id"] for one in assigned.data] == [str(server.id)]
    assert [one["id"] for one in unassigned.data] == [str(free.id)]
    assert [one["id"] for one in by_port.data] == [str(primary.id)]
    assert (await admin.get(f"{path_of(node)}?port=none")).code == "bad_request"


async def test_only_a_free_address_of_the_node_is_removed(admin: Caller, user: Caller, made: Any) -> None:
    node, other = await made.node(), await made.node()
    server = await made.server(user.account_id, node)
    free = await made.allocation(node)

    answers = [
        await admin.delete(f"{path_of(node)}/{server.allocation_id}"),
        await admin.delete(f"{path_of(other)}/{free.id}"),
        await admin.delete(f"{path_of(node)}/{free.id}"),
        await admin.delete(f"{path_of(node)}/{free.id}"),
    ]

    assert [one.status for one in answers] == [409, 404, 204, 404]
    assert [one.code for one in (answers[0], answers[1])] == ["allocation_in_use", "not_found"]
    assert await AllocationRow.filter(node_id=node.id).values_list("id", flat=True) == [server.allocation_id]


async def test_unknown_node_is_not_found_and_others_are_refused(
    admin: Caller, user: Caller, stranger: Caller, made: Any
) -> None:
    node, path, body = await made.node(), f"/api/v1/admin/nodes/{uuid4()}/allocations", {"ip": "::1", "ports": [1]}

    unknown = [await admin.get(path), await admin.post(path, body), await admin.delete(f"{path}/{uuid4()}")]

    assert [(one.status, one.code) for one in unknown] == [(404, "not_found")] * 3
    assert (await user.post(path_of(node), body)).status in (403, 404)
    assert (await stranger.post(path_of(node), body)).code == "unauthorized"
    assert await AllocationRow.filter(node_id=node.id).count() == 0
