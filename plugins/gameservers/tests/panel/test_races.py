"""Many at once never get more of a node than there is."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from tortoise.functions import Sum

from muntin.roles.models import ADMIN_ID, RoleRow
from muntin.testing.callers import Caller, People
from muntin_gameservers.models import AllocationRow, ServerRow


async def test_fifty_servers_at_once_take_no_more_than_three_nodes_have(people: People, made: Any) -> None:
    await RoleRow.filter(id=ADMIN_ID).update(rate_limit_multiplier=1000)
    boss = await people.sign_in("boss", role_id=ADMIN_ID)
    egg = await made.egg()
    nodes = [await made.node(memory_mib=1024 * size, disk_mib=100_000) for size in (4, 5, 6)]
    for node in nodes:
        for _index in range(12):
            await made.allocation(node)

    async def create(number: int) -> int:
        wanted = {"name": f"s{number}", "user_id": str(boss.account_id), "egg_id": str(egg.id), "memory": 1024}
        return (await boss.post("/api/v1/admin/servers", wanted)).status

    outcomes = Counter(await asyncio.gather(*map(create, range(50))))

    used = dict(
        await ServerRow.all().annotate(used=Sum("memory_mib")).group_by("node_id").values_list("node_id", "used")
    )
    assert {node.id: used.get(node.id) for node in nodes} == {node.id: node.memory_mib for node in nodes}
    assert outcomes == {201: 15, 409: 35}
    assert await AllocationRow.filter(server_id__not_isnull=True).count() == 15
    assert len(set(await ServerRow.all().values_list("allocation_id", flat=True))) == 15


async def test_variables_set_by_twenty_administrators_at_once_are_all_kept(admin: Caller, made: Any) -> None:
    names = [f"V{number}" for number in range(20)]
    variable = {"user_viewable": True, "user_editable": True, "rules": "required|string", "default_value": "old"}
    egg = await made.egg(variables=[{**variable, "name": name, "env_variable": name} for name in names])
    server = await made.server(admin.account_id, egg=egg, environment=dict.fromkeys(names, "old"))

    async def change(name: str) -> int:
        return (await admin.put(f"/api/v1/admin/servers/{server.id}", {"environment": {name: "new"}})).status

    outcomes = Counter(await asyncio.gather(*map(change, names)))

    assert outcomes == {200: 20}
    assert (await ServerRow.get(id=server.id)).environment == dict.fromkeys(names, "new")


async def test_one_address_named_by_many_goes_to_one(admin: Caller, made: Any) -> None:
    egg, node = await made.egg(), await made.node()
    address = await made.allocation(node)

    async def create(number: int) -> int:
        wanted = {"name": f"t{number}", "user_id": str(admin.account_id), "egg_id": str(egg.id), "memory": 128}
        return (await admin.post("/api/v1/admin/servers", {**wanted, "allocation_id": str(address.id)})).status

    assert Counter(await asyncio.gather(*map(create, range(8)))) == {201: 1, 409: 7}
