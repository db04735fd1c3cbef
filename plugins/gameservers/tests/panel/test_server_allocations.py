"""`/api/v1/servers/{id}/allocations`."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from muntin.events.models import OutboxRow
from muntin.testing.callers import Caller, People
from muntin_gameservers.models import AllocationRow, ServerRow, SubuserRow


def path_of(server: Any) -> str:
    """The server's list."""
    return f"/api/v1/servers/{server.id}/allocations"


async def test_owner_claims_a_free_address_of_the_same_ip(user: Caller, made: Any) -> None:
    server = await made.server(user.account_id, allocations_limit=2)
    node = await server.node
    await made.allocation(node, ip="192.0.1.1", port=1)
    wanted = await made.allocation(node, ip="192.0.2.1", port=65000)

    answer = await user.post(path_of(server))
    listed = await user.get(f"/api/v1/servers/{server.short_id}/allocations?sort=-port")

    assert answer.status == 201
    assert answer.data == {
        "id": str(wanted.id),
        "node_id": str(node.id),
        "ip": "192.0.2.1",
        "alias": None,
        "port": 65000,
        "server_id": str(server.id),
        "is_primary": False,
        "notes": None,
        "created_at": answer.data["created_at"],
    }
    assert [(one["id"], one["is_primary"]) for one in listed.data] == [
        (str(wanted.id), False),
        (str(server.allocation_id), True),
    ]
    event = await OutboxRow.get(type="server.updated", resource_id=str(server.id))
    assert event.payload["changed"] == ["allocations"]


async def test_limit_counts_the_primary_one(user: Caller, made: Any) -> None:
    server = await made.server(user.account_id, allocations_limit=1)
    await made.allocation(await server.node)

    answer = await user.post(path_of(server))

    assert (answer.status, answer.code) == (409, "limit_reached")
    assert await AllocationRow.filter(server_id=server.id).count() == 1


async def test_of_many_claims_at_once_exactly_one_wins(user: Caller, made: Any) -> None:
    server = await made.server(user.account_id, allocations_limit=2)
    for _number in range(10):
        await made.allocation(await server.node)

    answers = await asyncio.gather(*(user.post(path_of(server)) for _number in range(8)))

    assert sorted(one.status for one in answers) == [201, *[409] * 7]
    assert {one.code for one in answers if one.status == 409} == {"limit_reached"}
    assert await AllocationRow.filter(server_id=server.id).count() == 2


async def test_last_free_address_goes_to_one_of_two_servers(user: Caller, made: Any) -> None:
    node = await made.node()
    servers = [await made.server(user.account_id, node, allocations_limit=5) for _number in range(2)]
    last = await made.allocation(node, ip="192.0.2.77")

    answers = await asyncio.gather(*(user.post(path_of(one)) for one in servers))

    assert sorted(one.status for one in answers) == [201, 409]
    assert {one.code for one in answers if one.status == 409} == {"no_allocation_available"}
    assert (await AllocationRow.get(id=last.id)).server_id in {one.id for one in servers}


async def test_notes_and_primary_are_set(user: Caller, made: Any) -> None:
    server = await made.server(user.account_id)
    second = await made.allocation(await server.node, server)

    noted = await user.put(f"{path_of(server)}/{second.id}", {"notes": "query port"})
    primary = await user.put(f"{path_of(server)}/{second.id}", {"is_primary": True})
    no_longer = await user.put(f"{path_of(server)}/{second.id}", {"is_primary": False})
    cleared = await user.put(f"{path_of(server)}/{second.id}", {"notes": None})

    assert (noted.status, noted.data["notes"], noted.data["is_primary"]) == (200, "query port", False)
    assert (primary.status, primary.data["notes"], primary.data["is_primary"]) == (200, "query port", True)
    assert (no_longer.status, list(no_longer.body["error"]["details"])) == (422, ["is_primary"])
    assert (cleared.status, cleared.data["notes"], cleared.data["is_primary"]) == (200, None, True)
    assert (await ServerRow.get(id=server.id)).allocation_id == second.id


async def test_wrong_fields_are_named(user: Caller, made: Any) -> None:
    server = await made.server(user.account_id)
    path = f"{path_of(server)}/{server.allocation_id}"

    answer = await user.put(path, {"notes": "a\0b", "port": 1})
    broken = await user.ask("PUT", path, b"{")

    assert (answer.status, sorted(answer.body["error"]["details"])) == (422, ["notes", "port"])
    assert (broken.status, broken.code) == (400, "bad_request")


async def test_address_is_given_back_but_not_the_primary_one(user: Caller, made: Any) -> None:
    server = await made.server(user.account_id)
    second = await made.allocation(await server.node, server, notes="mine")

    primary = await user.delete(f"{path_of(server)}/{server.allocation_id}")
    released = await user.delete(f"{path_of(server)}/{second.id}")

    assert (primary.status, primary.code) == (409, "allocation_primary")
    assert (released.status, released.body) == (204, None)
    assert await AllocationRow.filter(id=second.id, server_id=None, notes=None).count() == 1


async def test_address_of_another_server_is_not_found(user: Caller, made: Any) -> None:
    server, other = await made.server(user.account_id), await made.server(user.account_id)
    path = f"{path_of(server)}/{other.allocation_id}"

    answers = [await user.put(path, {"notes": "x"}), await user.delete(path)]

    assert [(one.status, one.code) for one in answers] == [(404, "not_found")] * 2


async def test_suspended_server_gets_and_gives_nothing(user: Caller, made: Any) -> None:
    server = await made.server(user.account_id, is_suspended=True, allocations_limit=5)
    second = await made.allocation(await server.node, server)
    await made.allocation(await server.node)

    answers = [
        await user.post(path_of(server)),
        await user.put(f"{path_of(server)}/{second.id}", {"is_primary": True}),
        await user.delete(f"{path_of(server)}/{second.id}"),
    ]

    assert [(one.status, one.code) for one in answers] == [(409, "server_suspended")] * 3


@pytest.mark.parametrize("shared", [[], ["allocation.read"]])
async def test_others_see_and_do_what_was_shared_with_them(
    people: People, user: Caller, made: Any, shared: list[str]
) -> None:
    server = await made.server(user.account_id, allocations_limit=5)
    await made.allocation(await server.node)
    other = await people.sign_in(f"other{len(shared)}")
    if shared:
        await SubuserRow.create(server_id=server.id, account_id=other.account_id, permissions=shared)

    answers = [
        await other.get(path_of(server)),
        await other.post(path_of(server)),
        await other.put(f"{path_of(server)}/{server.allocation_id}", {"notes": "x"}),
        await other.delete(f"{path_of(server)}/{server.allocation_id}"),
    ]

    assert [one.status for one in answers] == ([200, 403, 403, 403] if shared else [404] * 4)


async def test_unknown_server_is_not_found(user: Caller) -> None:
    for name in (str(uuid4()), "abcd1234", "nonsense"):
        assert (await user.get(f"/api/v1/servers/{name}/allocations")).code == "not_found"
