"""Whose events, whose webhooks, which callers."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

import pytest

from muntin.accounts.models import AccountRow
from muntin.panel import Panel
from muntin.roles.models import ADMIN_ID, RoleRow
from muntin.routing import Route
from muntin.testing.attackers import grants_held, make_attackers
from muntin.testing.attacks import REFUSED, attack_cases, faults, hostile_bodies, hostile_paths, hostile_queries
from muntin.testing.callers import Caller, People
from muntin.testing.waiting import until
from muntin_webhooks.deliveries.interested import forget
from muntin_webhooks.models import DeliveryRow, EndpointRow

from .conftest import all_over, event, make_webhook, queue_many, record, sending, state_counts
from .receiving import Receiver

OWN = "/api/v1/webhooks"
URL = "https://example.com/hook"


def concerning(caller: Caller) -> dict[str, str]:
    return {"user_id": str(caller.account_id), "email": "a@example.com", "username": "a"}


async def test_account_hears_of_itself_and_never_of_others(people: People, user: Caller, clean: None) -> None:
    other = await people.sign_in("somebody else")
    mine, theirs = await make_webhook(user, URL, OWN), await make_webhook(other, URL, OWN)

    await record(event("user.updated", payload=concerning(user)))
    await record(event("node.offline", payload={"node_id": str(uuid4()), "name": user.account_id.hex}))
    await record(event("settings.changed", payload={"section": "mail", "fields": []}))
    await record(event("unknown.happened", payload={"user_id": str(user.account_id)}))
    await record(event("user.updated", payload=concerning(other), version=99))

    assert await state_counts(mine["id"]) == {"fresh": 1}
    assert await state_counts(theirs["id"]) == {}


async def test_panel_wide_webhook_hears_of_everything_it_asked_for(admin: Caller, clean: None) -> None:
    all_of_them = await make_webhook(admin, URL)
    some = await make_webhook(admin, URL, events=["node.*", "*.deleted"])
    filtered = await make_webhook(
        admin, URL, events=["node.*"], filters=[{"field": "name", "equals": "a"}, {"field": "enabled", "equals": True}]
    )

    await record(event("node.maintenance", payload={"name": "a", "enabled": True}))
    await record(event("node.maintenance", payload={"name": "a", "enabled": False}))
    await record(event("node.offline", payload={"name": "b"}))
    await record(event("role.deleted", payload={"role_id": 4}))
    await record(event("role.created", payload={"role_id": 4}))

    counts = [(await state_counts(one["id"])).get("fresh", 0) for one in (all_of_them, some, filtered)]
    assert counts == [5, 4, 1]


async def test_filter_on_the_resource_keeps_the_rest_away(admin: Caller, clean: None) -> None:
    resource_id = str(uuid4())
    hook = await make_webhook(admin, URL, filters=[{"field": "resource.id", "equals": resource_id}])

    await record(event(resource_id=resource_id))
    await record(event())

    assert await state_counts(hook["id"]) == {"fresh": 1}


@pytest.mark.parametrize("loss", ["suspended", "role"])
async def test_account_that_lost_the_right_hears_nothing_more(people: People, clean: None, loss: str) -> None:
    role = await RoleRow.create(name=f"hooks {loss}", slug=f"hooks-{loss}", permissions=["webhooks.*"])
    one = await people.sign_in(f"loser-{loss}", role_id=role.id)
    hook = await make_webhook(one, URL, OWN)
    await record(event("user.updated", payload=concerning(one)))

    if loss == "suspended":
        await AccountRow.filter(id=one.account_id).update(status="suspended")
    else:
        await RoleRow.filter(id=role.id).update(permissions=[])
    forget()
    await record(event("user.updated", payload=concerning(one)))

    assert await state_counts(hook["id"]) == {"fresh": 1}


async def test_what_waits_for_a_suspended_account_waits_until_it_is_suspended_no_more(
    people: People, receiver: Receiver, clean: None
) -> None:
    one = await people.sign_in("suspended for a while")
    hook = await make_webhook(one, receiver.url, OWN)
    await record(event("user.updated", payload=concerning(one)))

    await AccountRow.filter(id=one.account_id).update(status="suspended")
    async with sending() as sender:
        await until(lambda: bool(sender.paused))
        meanwhile = await state_counts(hook["id"])
    await AccountRow.filter(id=one.account_id).update(status="active")
    async with sending():
        await all_over()

    assert (meanwhile, await state_counts(hook["id"])) == ({"fresh": 1}, {"success": 1})
    assert len(receiver.received) == 1


async def test_webhooks_of_others_are_not_there(people: People, user: Caller, admin: Caller, clean: None) -> None:
    theirs = await make_webhook(await people.sign_in("neighbour"), URL, OWN)
    panelwide = await make_webhook(admin, URL)

    listed = (await user.get(OWN)).data
    answers = [(await user.get(f"{OWN}/{one['id']}")).status for one in (theirs, panelwide)]
    crossed = [(await admin.get(f"/api/v1/admin/webhooks/{theirs['id']}")).status]

    assert (listed, answers, crossed) == ([], [404, 404], [404])


async def test_limit_of_an_account_holds(user: Caller, admin: Caller, clean: None) -> None:
    await admin.put("/api/v1/admin/settings", {"webhooks": {"max_per_account": 2}})
    body = {"name": "x", "type": "custom", "url": URL, "events": ["*"]}

    answers = [await user.post(OWN, body) for _time in range(3)]

    assert [one.status for one in answers] == [201, 201, 409]
    assert answers[2].code == "webhook_limit_reached"


@pytest.fixture
def routes(panel: Panel) -> Sequence[Route]:
    """The native routes of webhooks."""
    return [one for one in panel.tables.tables["native"].routes if one.plugin == "webhooks"]


@pytest.fixture
async def things(people: People, clean: None) -> dict[str, object]:
    """A webhook of somebody with one delivery, and its ids."""
    owner = await people.sign_in("hooked", role_id=ADMIN_ID)
    hook = await make_webhook(owner, URL, OWN)
    await queue_many([hook["id"]], 1)
    return {"webhook_id": hook["id"], "delivery_id": (await DeliveryRow.get(endpoint_id=hook["id"])).id}


async def test_no_caller_gets_through_who_must_not(
    people: People, admin: Caller, routes: Sequence[Route], things: dict[str, object]
) -> None:
    callers = await make_attackers(people, admin)

    cases = list(attack_cases(routes, things, await grants_held()))
    through = []
    for case in cases:
        answer = await callers[case.caller].ask(case.route.method, case.path, case.body)
        if answer.status not in REFUSED[case.caller]:
            through.append((case.label, answer.status))

    assert through == []
    assert len(cases) > 150
    assert await EndpointRow.filter(id=things["webhook_id"], is_enabled=True).exists()


@pytest.fixture
async def tireless(people: People) -> Caller:
    """The owner of the webhook, who may ask as often as a generator does."""
    await RoleRow.filter(id=ADMIN_ID).update(rate_limit_multiplier=1000)
    return await people.sign_in("hooked", role_id=ADMIN_ID)


@pytest.mark.parametrize("kind", ["bodies", "queries", "paths"])
async def test_no_input_brings_the_panel_to_a_fault(
    routes: Sequence[Route], things: dict[str, object], tireless: Caller, kind: str
) -> None:
    wanted = [one for one in routes if one.method != "DELETE" and not one.path.endswith("/test")]
    make = {"bodies": hostile_bodies, "queries": hostile_queries, "paths": hostile_paths}[kind]
    cases = list(make(wanted, things))

    assert await faults(tireless, cases) == []
    assert len(cases) > 50
