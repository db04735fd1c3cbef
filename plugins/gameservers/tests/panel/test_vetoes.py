"""Other plugins may object before something happens to a server; and what the audit log keeps of its variables."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from types import ModuleType
from typing import Any

import pytest

from muntin.access import Actor
from muntin.audit.models import AuditRow
from muntin.contributions import Objection, Veto
from muntin.nodes.credentials import seal
from muntin.panel import Panel
from muntin.plugins.discovery import Manifest
from muntin.plugins.loading import LoadedPlugin
from muntin.testing.callers import Caller
from muntin_gameservers.models import ServerRow

SERVERS = "/api/v1/admin/servers"
SEEN: list[dict[str, Any]] = []


async def refuse(actor: Actor, facts: Mapping[str, Any]) -> Objection:
    """Whatever it is."""
    SEEN.append(dict(facts))
    return Objection(reason="An invoice is open.")


@pytest.fixture
async def creditor(panel: Panel) -> AsyncIterator[None]:
    """A plugin that objects to everything."""
    manifest = Manifest(name="creditor", module="creditor", distribution="creditor", version="1")
    vetoes = tuple(Veto(moment=f"server.{verb}", check=refuse) for verb in ("create", "delete", "start"))
    before, enabled = panel.registry.plugins, panel.registry.enabled
    panel.registry.plugins = (*before, LoadedPlugin(manifest, ModuleType("creditor"), vetoes))
    panel.registry.__dict__.pop("names", None)
    panel.registry.switch({*enabled, "creditor"})
    SEEN.clear()
    yield
    panel.registry.switch(enabled)
    panel.registry.plugins = before
    panel.registry.__dict__.pop("names", None)


def order(user: Caller, egg: Any, node: Any, **more: Any) -> dict[str, Any]:
    """A new server."""
    given = {"name": "isles", "user_id": str(user.account_id), "egg_id": str(egg.id), "node_id": str(node.id)}
    return {**given, "memory": 256, "disk": 512, "cpu": 50, "skip_install": True, **more}


async def test_objection_keeps_a_server_from_being_made(creditor: None, admin: Caller, user: Caller, made: Any) -> None:
    node, egg = await made.node(), await made.egg()
    await made.allocation(node)
    before = await ServerRow.all().count()

    answer = await admin.post(SERVERS, order(user, egg, node))

    assert (answer.status, answer.code) == (409, "vetoed")
    assert answer.body["error"]["details"] == {"objections": {"creditor": ["An invoice is open."]}}
    assert await ServerRow.all().count() == before
    assert [
        {"name": "isles", "owner_id": user.account_id, "egg_id": egg.id, "memory": 256, "disk": 512, "cpu": 50}
    ] == SEEN


async def test_objection_keeps_a_server_from_starting_but_not_from_stopping(
    creditor: None, user: Caller, made: Any
) -> None:
    node = await made.node(fqdn="127.0.0.1", scheme="http", daemon_port=9, token=seal("nobody listens there"))
    server = await made.server(user.account_id, node)
    power = f"/api/v1/servers/{server.id}/power"

    answers = await asyncio.gather(*(user.post(power, {"action": one}) for one in ("start", "restart", "stop")))

    assert [one.code for one in answers] == ["vetoed", "vetoed", "node_unreachable"]
    assert sorted(one["action"] for one in SEEN) == ["restart", "start"]


async def test_objection_keeps_a_server(creditor: None, admin: Caller, user: Caller, made: Any) -> None:
    server = await made.server(user.account_id)

    answer = await admin.delete(f"{SERVERS}/{server.id}")

    assert (answer.status, answer.code) == (409, "vetoed")
    assert (await ServerRow.get(id=server.id)).stage == "ready"
    assert [{"server_id": server.id, "name": server.name, "owner_id": server.owner_id, "force": False}] == SEEN


async def test_values_of_variables_never_reach_the_audit_log(admin: Caller, user: Caller, made: Any) -> None:
    node, egg = await made.node(), await made.egg()
    await made.allocation(node)

    created = await admin.post(SERVERS, order(user, egg, node, environment={"SLOTS": "8", "MAP": "canary-one"}))
    await admin.put(f"{SERVERS}/{created.data['id']}", {"environment": {"MAP": "canary-two"}})

    rows = await AuditRow.filter(subject_id=created.data["id"]).order_by("created_at")
    assert [row.event for row in rows] == ["server.created", "server.updated"]
    assert all("MAP" in row.properties["environment"] for row in rows)
    assert "canary" not in str([row.properties for row in rows])
