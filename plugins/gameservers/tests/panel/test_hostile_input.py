"""Every field, query value and path value of every route of game servers, for people and nodes, with hostile values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from muntin.nodes.credentials import seal
from muntin.panel import Panel
from muntin.roles.models import ADMIN_ID, RoleRow
from muntin.routing import Route
from muntin.testing.attacks import faults, hostile_bodies, hostile_paths, hostile_queries
from muntin.testing.callers import Caller, People
from muntin.testing.hostile import TEXTS
from muntin_gameservers.models import AllocationRow, ServerRow

TOKEN = "t" * 64


@pytest.fixture(scope="module")
async def tireless(panel: Panel, people: People) -> Caller:
    """An administrator who may ask as often as a generator does."""
    await RoleRow.filter(id=ADMIN_ID).update(rate_limit_multiplier=1000)
    return await people.sign_in("tireless", role_id=ADMIN_ID)


@pytest.fixture(scope="module")
async def server(tireless: Caller, made: Any) -> ServerRow:
    """A server of the administrator's own, on a node whose credential is known; nobody answers for the node."""
    node = await made.node(token=seal(TOKEN), fqdn="127.0.0.1", scheme="http", daemon_port=1)
    row: ServerRow = await made.server(tireless.account_id, node)
    return row


@pytest.fixture(scope="module")
async def things(server: ServerRow, tireless: Caller, made: Any) -> dict[str, object]:
    """Path value -> id of something that exists and may be changed."""
    egg = await made.egg()
    return {
        "server_id": server.id,
        "egg_id": egg.id,
        "nest_id": egg.nest_id,
        "node_id": server.node_id,
        "user_id": tireless.account_id,
        "allocation_id": (await AllocationRow.get(server_id=server.id)).id,
    }


@pytest.fixture
def routes(panel: Panel) -> Sequence[Route]:
    """The native routes of game servers."""
    return [one for one in panel.tables.tables["native"].routes if one.plugin == "gameservers"]


async def test_no_body_brings_the_panel_to_a_fault(
    routes: Sequence[Route], tireless: Caller, things: dict[str, object]
) -> None:
    wanted = [one for one in routes if not one.path.endswith(("/power", "/command"))]  # the node is away: 503 is right
    cases = list(hostile_bodies(wanted, things))

    assert await faults(tireless, cases) == []
    assert len(cases) > 500


async def test_no_query_brings_the_panel_to_a_fault(
    routes: Sequence[Route], tireless: Caller, things: dict[str, object]
) -> None:
    wanted = [one for one in routes if not one.path.endswith("/logs")]
    cases = list(hostile_queries(wanted, things))

    assert await faults(tireless, cases) == []
    assert len(cases) > 200


async def test_no_path_brings_the_panel_to_a_fault(
    routes: Sequence[Route], tireless: Caller, things: dict[str, object]
) -> None:
    cases = list(hostile_paths(routes, things))

    assert await faults(tireless, cases) == []
    assert len(cases) > 200


async def test_a_node_that_says_nonsense_is_refused(panel: Panel, people: People, server: ServerRow) -> None:
    node = people.bearer(f"{(await server.node).token_id}.{TOKEN}")
    routes, values = panel.tables.tables["wings"].routes, {"server_id": server.id}
    cases = [*hostile_bodies(routes, values), *hostile_queries(routes, values), *hostile_paths(routes, values)]

    assert await faults(node, cases) == []


async def test_a_row_of_activity_that_is_nonsense_is_passed_over(people: People, server: ServerRow) -> None:
    node = people.bearer(f"{(await server.node).token_id}.{TOKEN}")
    good = {"event": "server:power.start", "server": str(server.id)}
    odd: list[Any] = [None, 1, [], {}, [str(server.id)], {"a": "b\0"}, 10**15, "x" * 5000, *TEXTS]
    statuses: set[int] = set()
    for field in ("event", "server", "user", "ip", "metadata", "timestamp", "\0"):
        for value in odd:
            row = good | {field: value}
            statuses.add((await node.post("/api/remote/activity", {"data": [row, good]})).status)
    for text in odd:
        reported = {"successful": False, "reinstall": False, "reason": text}
        statuses.add((await node.post(f"/api/remote/servers/{server.id}/install", reported)).status)
        change = {"previous_state": "offline", "new_state": "running", "last_exit": {"reason": text}}
        statuses.add((await node.post(f"/api/remote/servers/{server.id}/container/status", {"data": change})).status)

    assert {one for one in statuses if one >= 500} == set()
