"""What a server may be given: nothing that no game can start with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from muntin.access import Actor
from muntin.testing.callers import Caller
from muntin_gameservers.models import ServerRow
from muntin_gameservers.servers.placement import has_room
from muntin_gameservers.servers.transfers.places import places_for

SENTENCE = "At least 128 MiB, or 0 for no limit."


@pytest.mark.parametrize("memory", [1, 127])
async def test_memory_that_is_too_little_is_refused_by_name_and_nothing_is_changed(
    admin: Caller, made: Any, memory: int
) -> None:
    egg, node = await made.egg(), await made.node()
    server = await made.server(admin.account_id, node, egg, memory_mib=1024)
    wanted = {"name": "small", "user_id": str(admin.account_id), "egg_id": str(egg.id), "node_id": str(node.id)}

    made_small = await admin.post("/api/v1/admin/servers", {**wanted, "memory": memory})
    made_smaller = await admin.put(f"/api/v1/admin/servers/{server.id}", {"memory": memory})

    for answer in (made_small, made_smaller):
        assert (answer.status, answer.body["error"]["details"]) == (422, {"memory": [SENTENCE]})
    assert [one.memory_mib for one in await ServerRow.filter(node_id=node.id)] == [1024]


@pytest.mark.parametrize("memory", [0, 128])
async def test_least_memory_and_no_limit_are_taken(admin: Caller, made: Any, memory: int) -> None:
    server = await made.server(admin.account_id, await made.node(), await made.egg(), memory_mib=1024)

    answer = await admin.put(f"/api/v1/admin/servers/{server.id}", {"memory": memory})

    assert (answer.status, (await ServerRow.get(id=server.id)).memory_mib) == (200, memory)


async def test_page_and_order_agree_that_nothing_goes_to_a_node_that_promised_more_than_it_has(
    admin: Caller, made: Any
) -> None:
    full = await made.node(memory_mib=1024, last_seen_at=datetime.now(UTC))
    await made.server(admin.account_id, full, await made.egg(), memory_mib=2048)
    address = await made.allocation(full)
    server = await made.server(admin.account_id, await made.node(), await made.egg(), memory_mib=0)

    [place] = [one for one in await places_for(Actor.system(), server.id) if one.node_id == full.id]
    roomy = await has_room(full, server.memory_mib, server.disk_mib)

    assert (place.memory_free_mib, place.ports, roomy) == (-1024, 1, False)
    assert place.objection == "It has too little free memory."
    assert address.server_id is None
