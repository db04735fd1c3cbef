"""What is refused changes nothing, and what is forced is done."""

from __future__ import annotations

from muntin.testing.callers import Answer
from muntin_gameservers.models import AllocationRow, ServerRow

from .things import make_address, make_egg, make_node, make_server
from .world import World


def seen(answer: Answer) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status, answer.code


async def test_server_of_a_node_that_is_away_stays_unless_forced(world: World) -> None:
    server = await make_server(world, answers="away")
    address = f"/api/v1/admin/servers/{server.id}"

    refused = await world.boss.delete(address)
    kept = (await ServerRow.get(id=server.id)).stage
    forced = await world.boss.delete(f"{address}?force=true")

    assert (seen(refused), kept) == ((503, "node_unreachable"), "ready")
    assert (forced.status, await ServerRow.exists(id=server.id)) == (204, False)


async def test_server_without_a_place_is_not_made(world: World) -> None:
    egg, node = await make_egg(), await make_node(world)
    wanted = {"name": "s", "user_id": str(world.boss.account_id), "egg_id": str(egg.id), "node_id": str(node.id)}
    address = await make_address(node, 30_000)

    large = await world.boss.post("/api/v1/admin/servers", {**wanted, "memory": 4096})
    first = await world.boss.post("/api/v1/admin/servers", {**wanted, "memory": 128, "external_id": "mine"})
    taken = await world.boss.post("/api/v1/admin/servers", {**wanted, "memory": 128, "allocation_id": str(address.id)})
    same = await make_address(node, 30_001)
    twice = await world.boss.post("/api/v1/admin/servers", {**wanted, "memory": 128, "external_id": "mine"})

    assert seen(large) == (409, "no_allocation_available")
    assert first.status == 201, first.body
    assert (seen(taken), seen(twice)) == ((409, "conflict"), (409, "conflict"))
    assert (await AllocationRow.get(id=same.id)).server_id is None
    assert await ServerRow.filter(node_id=node.id).count() == 1


async def test_external_id_of_another_server_is_a_conflict(world: World) -> None:
    await make_server(world, external_id="theirs")
    server = await make_server(world)

    answer = await world.boss.put(f"/api/v1/admin/servers/{server.id}", {"external_id": "theirs"})

    assert seen(answer) == (409, "conflict")
    assert (await ServerRow.get(id=server.id)).external_id is None
