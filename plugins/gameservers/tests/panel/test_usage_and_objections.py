"""What the core asks of game servers: what they take, who owns them, what may not be deleted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from muntin.contributions import Objection, Promised
from muntin.database import count_statements
from muntin.events import EventEnvelope
from muntin.testing.callers import Caller, People
from muntin_gameservers.models import SubuserRow
from muntin_gameservers.servers import objections


async def test_promised_is_the_sum_per_node_in_one_query(user: Caller, made: Any) -> None:
    busy, idle = await made.node(), await made.node()
    for memory_mib in (512, 256):
        await made.server(user.account_id, busy, memory_mib=memory_mib)

    with count_statements() as statements:
        answer = await objections.promised([busy.id, idle.id])

    assert answer == {busy.id: Promised(memory_mib=768, disk_mib=2048, cpu_percent=100, workloads=2)}
    assert len(statements) == 1


async def test_servers_are_counted_per_account_in_one_query(people: People, made: Any) -> None:
    owner, nobody = await people.add("countedowner"), await people.add("countednobody")
    await made.server(owner.id)
    await made.server(owner.id)

    with count_statements() as statements:
        answer = await objections.count_servers([owner.id, nobody.id])

    assert (answer, len(statements)) == ({owner.id: 2}, 1)
    assert (await objections.count_servers([]), await objections.promised([])) == ({}, {})


async def test_account_with_servers_is_not_deleted(admin: Caller, people: People, made: Any) -> None:
    owner = await people.add("keptowner")
    await made.server(owner.id)

    answer = await admin.delete(f"/api/v1/admin/users/{owner.id}")

    assert (answer.status, answer.code) == (409, "user_has_servers")
    assert await objections.account_may_go(owner.id) == (Objection(reason="The account owns 1 game servers."),)
    assert await objections.account_may_go(uuid4()) == ()


async def test_node_with_servers_stays_and_one_with_addresses_goes(admin: Caller, user: Caller, made: Any) -> None:
    busy, listed, empty = await made.node(), await made.node(), await made.node()
    await made.server(user.account_id, busy)
    await made.allocation(listed)

    answers = [await admin.delete(f"/api/v1/admin/nodes/{node.id}") for node in (busy, listed, empty)]

    assert [one.status for one in answers] == [409, 204, 204]
    assert answers[0].code == "node_has_servers"


async def test_account_that_is_gone_shares_in_nothing(user: Caller, made: Any) -> None:
    server, gone = await made.server(user.account_id), uuid4()
    for account_id in (gone, uuid4()):
        await SubuserRow.create(server_id=server.id, account_id=account_id)
    deleted = EventEnvelope(
        id=uuid4(),
        type="user.deleted",
        version=1,
        resource_type="user",
        resource_id=str(gone),
        sequence=1,
        occurred_at=datetime.now(UTC),
        actor_id=None,
        payload={},
    )

    await objections.account_deleted(deleted)
    await objections.account_deleted(deleted)

    assert await SubuserRow.filter(server_id=server.id, account_id=gone).count() == 0
    assert await SubuserRow.filter(server_id=server.id).count() == 1
