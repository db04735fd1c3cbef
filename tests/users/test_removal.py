"""Deleting accounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any
from uuid import UUID

from muntin.accounts.models import AccountRow, ApiKeyRow
from muntin.audit.models import AuditRow
from muntin.contributions import AccountUsage, MayDelete, Objection
from muntin.database import database_dialect, execute
from muntin.panel import Panel
from muntin.plugins.discovery import Manifest
from muntin.plugins.loading import LoadedPlugin
from muntin.testing.callers import Answer, Caller, People

USERS = "/api/v1/admin/users"


def _plug_in(panel: Panel, name: str, contributions: Iterable[Any]) -> None:
    """Enable a plugin that exists only here."""
    manifest = Manifest(name=name, module=name, distribution=name, version="1")
    panel.registry.plugins = (*panel.registry.plugins, LoadedPlugin(manifest, ModuleType(name), tuple(contributions)))
    panel.registry.__dict__.pop("names", None)
    panel.registry.switch({*panel.registry.enabled, name})


def _error(answer: Answer) -> dict[str, Any]:
    return {"status": answer.status, "code": answer.code, "details": answer.body["error"]["details"]}


async def test_deleted_account_leaves_nothing_personal(admin: Caller, people: People) -> None:
    user = await people.sign_in("Ada", role_id=2)
    await AccountRow.filter(id=user.account_id).update(first_name="Ada", external_id="7")
    await ApiKeyRow.create(account_id=user.account_id, prefix="bp_x", token_hash="x", description="x")

    response = await admin.delete(f"{USERS}/{user.account_id}")

    left = await AccountRow.get(id=user.account_id)
    assert (response.status, response.body) == (204, None)
    assert (left.status, left.first_name, left.external_id, left.role_id) == ("deleted", None, None, 3)
    assert "ada" not in f"{left.email} {left.username}".lower().replace(left.id.hex, "")
    assert not await ApiKeyRow.exists(account_id=left.id)
    assert (await user.get("/api/v1/permissions")).status == 401
    shown = (await admin.get(f"{USERS}/{left.id}")).data
    assert shown["status"] == "deleted"
    assert (await AuditRow.get(event="user.deleted")).properties == {"email": "ada@example.com", "username": "Ada"}


async def test_name_of_a_deleted_account_can_be_used_again(admin: Caller, people: People) -> None:
    user = await people.sign_in("ada")
    await admin.delete(f"{USERS}/{user.account_id}")

    again = {"email": "ada@example.com", "username": "ada", "password": "correct horse"}

    assert (await admin.post(USERS, again)).status == 201


async def test_nobody_deletes_themselves(admin: Caller) -> None:
    response = await admin.delete(f"{USERS}/{admin.account_id}")

    assert _error(response) == {"status": 403, "code": "cannot_delete_self", "details": {}}


async def test_owner_of_servers_stays(panel: Panel, admin: Caller, people: People) -> None:
    owner, other = await people.sign_in("owner"), await people.sign_in("other")

    async def count(accounts: Sequence[UUID]) -> Mapping[UUID, int]:
        return {one: 2 for one in accounts if one == owner.account_id}

    _plug_in(panel, "games", [AccountUsage(kind="servers", count=count)])

    response = await admin.delete(f"{USERS}/{owner.account_id}")

    assert _error(response) == {"status": 409, "code": "user_has_servers", "details": {}}
    shown = (await admin.get(USERS)).data
    assert {user["id"]: user["servers_count"] for user in shown} == {
        str(admin.account_id): 0,
        str(owner.account_id): 2,
        str(other.account_id): 0,
    }
    assert (await admin.delete(f"{USERS}/{other.account_id}")).status == 204


async def test_plugin_that_objects_is_named(panel: Panel, admin: Caller, people: People) -> None:
    user = await people.add("somebody")

    async def check(account_id: UUID | int) -> tuple[Objection, ...]:
        return (Objection(reason="There is an open invoice."),)

    _plug_in(panel, "shop", [MayDelete(kind="account", check=check)])

    response = await admin.delete(f"{USERS}/{user.id}")

    assert _error(response) == {
        "status": 409,
        "code": "conflict",
        "details": {"objections": {"shop": ["There is an open invoice."]}},
    }
    assert (await AccountRow.get(id=user.id)).status == "active"


async def test_absent_plugin_is_named_by_its_rows(admin: Caller, people: People) -> None:
    user = await people.add("somebody")
    kind = "CHAR(36)" if database_dialect() == "sqlite" else "UUID"
    await execute(
        f"CREATE TABLE absent_order (id INT PRIMARY KEY, buyer {kind} REFERENCES core_account (id) ON DELETE RESTRICT)"
    )
    await execute("INSERT INTO absent_order VALUES (1, ?)", [user.id])

    refused = await admin.delete(f"{USERS}/{user.id}")
    await execute("DELETE FROM absent_order")
    allowed = await admin.delete(f"{USERS}/{user.id}")

    assert _error(refused) == {"status": 409, "code": "conflict", "details": {"plugins": ["absent"]}}
    assert allowed.status == 204
