"""Every native route of the core against every kind of caller that must not get through."""

from __future__ import annotations

from typing import Any

import pytest

from muntin.nodes.credentials import seal
from muntin.nodes.models import NodeRow
from muntin.panel import Panel
from muntin.routing import WEBSOCKET
from muntin.testing.attackers import grants_held, make_attackers
from muntin.testing.attacks import REFUSED, Attack, attack_cases, filled, sample
from muntin.testing.callers import Caller, People


@pytest.fixture(scope="module")
async def callers(people: People, admin: Caller) -> dict[str, Caller]:
    """One caller of each kind."""
    return await make_attackers(people, admin)


@pytest.fixture(scope="module")
async def targets(people: People, admin: Caller) -> dict[str, object]:
    """Things that exist and belong to none of the callers."""
    sealed = seal("t" * 64)
    node = await NodeRow.create(name="target", fqdn="t.test", memory_mib=1, disk_mib=1, token_id="t" * 16, token=sealed)
    owner = await people.sign_in("owner")
    key = await owner.post("/api/v1/account/api-keys", {"description": "target"})
    assert key.status == 201, key.body
    assert owner.session is not None
    return {
        "node_id": node.id,
        "user_id": admin.account_id,
        "account_id": admin.account_id,
        "role_id": 1,
        "key_id": key.data["id"],
        "session_id": owner.session.id,
    }


async def test_no_caller_gets_through_who_must_not(
    panel: Panel, callers: dict[str, Caller], targets: dict[str, object]
) -> None:
    held = await grants_held()
    cases = list(attack_cases(panel.tables.tables["native"].routes, targets, held))

    through: list[tuple[str, int]] = []
    for case in cases:
        answer = await _send(callers[case.caller], case)
        if answer.status not in REFUSED[case.caller]:
            through.append((case.label, answer.status))

    assert through == []
    assert len(cases) > 150


async def test_the_right_caller_is_not_refused(panel: Panel, admin: Caller, targets: dict[str, object]) -> None:
    refused: list[tuple[str, int]] = []
    for case in attack_cases(panel.tables.tables["native"].routes, targets, {}):
        own = any(name in case.route.path for name in ("key_id", "session_id", "job_id"))
        if case.caller == "stranger" and case.route.method == "GET" and not own and "stats" not in case.path:
            answer = await _send(admin, case)
            if answer.status != 200:
                refused.append((case.label, answer.status))

    assert refused == []


async def test_unknown_keys_are_refused_by_every_body(panel: Panel, admin: Caller) -> None:
    swallowed: list[tuple[str, int]] = []
    for route in panel.tables.tables["native"].routes:
        if route.body is None:
            continue
        body = {**sample(route.body), "smuggled_in": 1}
        answer = await admin.ask(route.method, filled(route.path, {}), body)
        if answer.status == 429:
            continue  # the bucket of sign-ins; its models are Input like all others
        if answer.status != 422 or "smuggled_in" not in answer.body["error"]["details"]:
            swallowed.append((route.path, answer.status))

    assert swallowed == []


async def test_every_other_verb_is_answered_405_with_the_allowed_ones(panel: Panel, admin: Caller) -> None:
    paths: dict[str, set[str]] = {}
    for route in panel.tables.tables["native"].routes:
        if route.method != WEBSOCKET and "<" not in route.path:
            paths.setdefault(route.path, set()).add(route.method)

    wrong: list[Any] = []
    for path, verbs in paths.items():
        for verb in {"GET", "POST", "PUT", "PATCH", "DELETE"} - verbs:
            answer = await admin.ask(verb, path)
            allowed = set(answer.headers.get("Allow", "").replace(" ", "").split(",")) - {"HEAD"}
            if answer.status != 405 or allowed != verbs:
                wrong.append((verb, path, answer.status, allowed))

    assert wrong == []


async def _send(caller: Caller, case: Attack) -> Any:
    return await caller.ask(case.route.method, case.path, case.body)
