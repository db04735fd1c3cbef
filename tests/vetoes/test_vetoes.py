"""Plugins that object before something happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from types import ModuleType
from typing import Any, Literal
from uuid import UUID

import pytest

from muntin.access import Actor
from muntin.accounts.models import AccountRow
from muntin.contributions import Objection, Veto
from muntin.events.models import OutboxRow
from muntin.nodes.models import NodeRow
from muntin.panel import Panel
from muntin.plugins.discovery import Manifest
from muntin.plugins.loading import LoadedPlugin
from muntin.roles.models import ADMIN_ID, USER_ID
from muntin.testing.callers import Caller, People
from muntin.vetoes import FAILURES_IN_A_ROW, Vetoed, ask

Check = Callable[[Actor, Mapping[str, Any]], Awaitable[Objection | None]]
SEEN: list[tuple[str, dict[str, Any]]] = []
NODE = {"name": "alpha", "fqdn": "node.example.test", "memory": 4096, "disk": 10240}
PERSON = {"email": "ada@example.com", "username": "ada", "password": "correct-horse-9", "role_id": USER_ID}


def plug_in(panel: Panel, *vetoes: Veto, name: str = "guardian") -> None:
    """Enable a plugin that exists only here."""
    manifest = Manifest(name=name, module=name, distribution=name, version="1")
    panel.registry.plugins = (*panel.registry.plugins, LoadedPlugin(manifest, ModuleType(name), vetoes))
    panel.registry.__dict__.pop("names", None)
    panel.registry.switch({*panel.registry.enabled, name})


def objecting(moment: str, reason: str = "Not on a Sunday.") -> Veto:
    async def check(actor: Actor, facts: Mapping[str, Any]) -> Objection | None:
        SEEN.append((moment, dict(facts)))
        return Objection(reason=reason)

    return Veto(moment=moment, check=check)


def failing(moment: str, how: str, on_error: Literal["allow", "refuse"] = "allow") -> tuple[Veto, list[str]]:
    asked: list[str] = []

    async def check(actor: Actor, facts: Mapping[str, Any]) -> Any:
        asked.append(moment)
        if how == "raises":
            raise RuntimeError("broken")
        if how == "is slow":
            await asyncio.sleep(60)
        return "no"

    return Veto(moment=moment, check=check, timeout_s=0.1, on_error=on_error), asked


async def test_objection_keeps_an_account_from_being_made_and_is_told(panel: Panel, admin: Caller) -> None:
    SEEN.clear()
    plug_in(panel, objecting("account.create"))
    before = await OutboxRow.all().count()

    answer = await admin.post("/api/v1/admin/users", PERSON)

    assert (answer.status, answer.code) == (409, "vetoed")
    assert answer.body["error"]["message"] == "This is not allowed now. guardian: Not on a Sunday."
    assert answer.body["error"]["details"] == {"objections": {"guardian": ["Not on a Sunday."]}}
    assert not await AccountRow.filter(username="ada").exists()
    assert await OutboxRow.all().count() == before
    assert [(moment, facts["email"], facts["role_id"], "password" in facts) for moment, facts in SEEN] == [
        ("account.create", "ada@example.com", USER_ID, False)
    ]


async def test_objection_keeps_people_from_signing_up(panel: Panel, admin: Caller, stranger: Caller) -> None:
    await admin.put("/api/v1/admin/settings", {"security.registration_enabled": True})
    plug_in(panel, objecting("account.register", "No throw-away addresses."))
    body = {name: PERSON[name] for name in ("email", "username", "password")}

    answer = await stranger.post("/api/v1/auth/register", body)

    assert (answer.status, answer.code) == (409, "vetoed")
    assert not await AccountRow.filter(username="ada").exists()


async def test_objection_keeps_an_account_and_its_role(panel: Panel, admin: Caller, people: People) -> None:
    bob = await people.sign_in("bob")
    plug_in(panel, objecting("account.delete"), objecting("role.assign"))

    deleted = await admin.delete(f"/api/v1/admin/users/{bob.account_id}")
    promoted = await admin.put(f"/api/v1/admin/users/{bob.account_id}", {"role_id": ADMIN_ID})
    renamed = await admin.put(f"/api/v1/admin/users/{bob.account_id}", {"role_id": USER_ID, "first_name": "Bob"})

    row = await AccountRow.get(id=bob.account_id)
    assert (deleted.code, promoted.code, renamed.status) == ("vetoed", "vetoed", 200)
    assert (row.status, row.role_id, row.first_name) == ("active", USER_ID, "Bob")


async def test_objection_keeps_a_node(panel: Panel, admin: Caller) -> None:
    node = (await admin.post("/api/v1/admin/nodes", NODE)).data
    SEEN.clear()
    plug_in(panel, objecting("node.delete"))

    answer = await admin.delete(f"/api/v1/admin/nodes/{node['id']}")

    assert (answer.status, answer.code) == (409, "vetoed")
    assert await NodeRow.exists(id=node["id"])
    assert [("node.delete", {"node_id": UUID(node["id"]), "name": "alpha"})] == SEEN


async def test_every_objection_is_told(panel: Panel) -> None:
    plug_in(panel, objecting("account.create", "One."), objecting("account.create", "Two."))
    plug_in(panel, objecting("account.create", "Three."), name="other")

    with pytest.raises(Vetoed) as refused:
        await ask("account.create", Actor.system(), {})

    assert refused.value.details == {"objections": {"guardian": ["One.", "Two."], "other": ["Three."]}}


async def test_disabled_plugin_is_not_asked(panel: Panel) -> None:
    plug_in(panel, objecting("account.create"))
    panel.registry.switch({"core"})

    await ask("account.create", Actor.system(), {})


async def test_plugin_cannot_change_what_it_is_told(panel: Panel) -> None:
    async def meddle(actor: Actor, facts: Any) -> Objection | None:
        facts["name"] = "other"
        return None

    facts = {"name": "mine"}
    plug_in(panel, Veto(moment="account.create", check=meddle))

    await ask("account.create", Actor.system(), facts)

    assert facts == {"name": "mine"}


@pytest.mark.parametrize("how", ["raises", "is slow", "answers nonsense"])
async def test_check_that_fails_counts_as_content_unless_it_says_otherwise(panel: Panel, how: str) -> None:
    lenient, _asked = failing("account.create", how)
    strict, _also_asked = failing("account.delete", how, "refuse")
    plug_in(panel, lenient, strict)

    await ask("account.create", Actor.system(), {})
    with pytest.raises(Vetoed, match="could not be asked"):
        await ask("account.delete", Actor.system(), {})


async def test_check_that_fails_again_and_again_is_not_asked_for_a_while(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    veto, asked = failing("account.create", "raises")
    plug_in(panel, veto)

    for _number in range(FAILURES_IN_A_ROW + 3):
        await ask("account.create", Actor.system(), {})
    asked_at_first = len(asked)
    later = time.monotonic() + 61
    monkeypatch.setattr("muntin.vetoes.time.monotonic", lambda: later)
    await ask("account.create", Actor.system(), {})

    assert (asked_at_first, len(asked)) == (FAILURES_IN_A_ROW, FAILURES_IN_A_ROW + 1)
