"""Every native route of game servers against every kind of caller that must not get through."""

from __future__ import annotations

from typing import Any

import pytest

from muntin.panel import Panel
from muntin.testing.attackers import grants_held, make_attackers
from muntin.testing.attacks import REFUSED, attack_cases
from muntin.testing.callers import Caller, People
from muntin_gameservers.models import AllocationRow, NestRow, ServerRow, SubuserRow


@pytest.fixture(scope="module")
async def callers(people: People, admin: Caller) -> dict[str, Caller]:
    """One caller of each kind."""
    return await make_attackers(people, admin)


async def test_no_caller_gets_through_who_must_not(
    panel: Panel, people: People, callers: dict[str, Caller], made: Any
) -> None:
    owner = await people.sign_in("owner")
    server: ServerRow = await made.server(owner.account_id)
    nest = await NestRow.create(name="target nest")
    targets = {
        "server_id": server.id,
        "egg_id": server.egg_id,
        "nest_id": nest.id,
        "node_id": server.node_id,
        "allocation_id": (await AllocationRow.filter(node_id=server.node_id).first() or server).id,
    }
    routes = [one for one in panel.tables.tables["native"].routes if one.plugin == "gameservers"]

    through: list[tuple[str, int]] = []
    cases = list(attack_cases(routes, targets, await grants_held()))
    for case in cases:
        answer = await callers[case.caller].ask(case.route.method, case.path, case.body)
        if answer.status not in REFUSED[case.caller]:
            through.append((case.label, answer.status))

    assert through == []
    assert len(cases) > 150
    assert await ServerRow.filter(id=server.id, is_suspended=False).exists()


async def test_sub_user_gets_no_further_than_what_was_shared(panel: Panel, people: People, made: Any) -> None:
    owner, friend = await people.sign_in("sharing"), await people.sign_in("friend")
    server: ServerRow = await made.server(owner.account_id)
    await SubuserRow.create(server_id=server.id, account_id=friend.account_id, permissions=["control.start"])
    routes = [
        one
        for one in panel.tables.tables["native"].routes
        if one.path.startswith("/api/v1/servers/<") and one.method != "WS"
    ]

    through: list[tuple[str, int]] = []
    for case in attack_cases(routes, {"server_id": server.id}, {}):
        guard = case.route.guard
        shared = guard is not None and guard.permission == "server.view"
        if case.caller == "other account" and not shared and "power" not in case.path:
            answer = await friend.ask(case.route.method, case.path, case.body)
            if answer.status not in (403, 404):
                through.append((case.label, answer.status))
    powers = [
        (await friend.post(f"/api/v1/servers/{server.id}/power", {"action": action})).status
        for action in ("stop", "restart", "kill")
    ]

    assert through == []
    assert powers == [403, 403, 403]
