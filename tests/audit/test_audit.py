"""The audit log: what goes in, what comes out, and what must never be in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel, Field, SecretStr

from muntin import audit
from muntin.access import Actor, Grants
from muntin.audit.models import AuditRow
from muntin.audit.service import forget_old
from muntin.database import transaction
from muntin.panel import Panel
from muntin.schemas import PageQuery
from muntin.testing.callers import Caller, People

LOGS = "/api/v1/admin/audit-logs"
ADA = Actor(kind="account", account_id=UUID(int=1), username="ada", address="198.51.100.7")


async def _record(actor: Actor, event: str, subject: audit.Subject, properties: dict[str, Any] | None = None) -> None:
    async with transaction() as events:
        await audit.record(events, actor, event, subject, properties)


async def _events(client: Any, query: str) -> list[str]:
    response = await client.get(f"{LOGS}?{query}")
    return [entry["event"] for entry in response.data]


async def test_entry_says_who_did_what_to_what_from_where(admin: Caller) -> None:
    await AuditRow.all().delete()
    await _record(ADA, "server.renamed", ("server", "abc"), {"name": {"from": "a", "to": "b"}})

    response = await admin.get(LOGS)

    body = response.body
    row = await AuditRow.get(event="server.renamed")
    assert body == {
        "data": [
            {
                "id": str(row.id),
                "event": "server.renamed",
                "actor": {"id": str(UUID(int=1)), "username": "ada", "type": "user"},
                "subject": {"type": "server", "id": "abc"},
                "ip": "198.51.100.7",
                "properties": {"name": {"from": "a", "to": "b"}},
                "created_at": row.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        ],
        "meta": {"current_page": 1, "per_page": 25, "total": 1, "total_pages": 1},
    }


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        (ADA, "user"),
        (Actor(kind="api_key", account_id=UUID(int=1), key_id=UUID(int=2)), "api_key"),
        (Actor.system(), "system"),
        (Actor(kind="node", node_id=UUID(int=3)), "system"),
        (Actor.anonymous("203.0.113.9"), "user"),
    ],
)
async def test_kind_of_actor_is_kept(panel: Panel, actor: Actor, expected: str) -> None:
    await _record(actor, "thing.done", ("thing", 1))

    assert (await AuditRow.get(event="thing.done")).actor_type == expected


async def test_entry_of_a_transaction_that_failed_is_not_there(panel: Panel) -> None:
    with pytest.raises(RuntimeError):
        async with transaction() as events:
            await audit.record(events, ADA, "thing.done", ("thing", 1))
            raise RuntimeError

    assert not await AuditRow.exists(event="thing.done")


async def test_list_is_filtered_and_searched(admin: Caller) -> None:
    await AuditRow.all().delete()
    await _record(ADA, "user.updated", ("user", UUID(int=1)))
    await _record(Actor.system(), "user.suspended", ("user", UUID(int=1)))
    await _record(Actor.anonymous("203.0.113.9"), "user.sign_in_failed", ("user", uuid4()))
    await _record(ADA, "server.created", ("server", "100%"))

    assert await _events(admin, "") == ["server.created", "user.sign_in_failed", "user.suspended", "user.updated"]
    assert await _events(admin, "sort=created_at&per_page=1") == ["user.updated"]
    assert await _events(admin, "event=user.suspended") == ["user.suspended"]
    assert len(await _events(admin, "event=user.*")) == 3
    assert await _events(admin, f"user_id={UUID(int=1)}") == ["server.created", "user.suspended", "user.updated"]
    assert await _events(admin, "ip=203.0.113.9") == ["user.sign_in_failed"]
    assert await _events(admin, "search=0%25") == ["server.created"]
    assert await _events(admin, "search=ADA") == ["server.created", "user.updated"]
    assert await _events(admin, "user_id=&event=&ip=&search=x") == []


async def test_wrong_queries_are_refused(admin: Caller) -> None:
    for query in ("user_id=x", "sort=properties", "per_page=0", "page=none"):
        response = await admin.get(f"{LOGS}?{query}")
        assert (response.status, response.body["error"]["code"]) == (400, "bad_request")


async def test_log_needs_its_permission(people: People) -> None:
    user = await people.sign_in("somebody")

    assert (await user.get(LOGS)).status == 403
    assert (await people.stranger().get(LOGS)).status == 401


async def test_activity_of_an_account_is_what_it_did_and_what_was_done_to_it(panel: Panel) -> None:
    await _record(ADA, "server.created", ("server", 1))
    await _record(Actor.system(), "user.suspended", ("user", UUID(int=1)))
    await _record(Actor.system(), "user.suspended", ("user", UUID(int=2)))

    page = await audit.activity_of(UUID(int=1), PageQuery())

    assert [(entry.event, entry.subject.id) for entry in page.items] == [
        ("user.suspended", str(UUID(int=1))),
        ("server.created", "1"),
    ]


class _Form(BaseModel):
    name: str
    password: SecretStr


def test_secrets_are_hidden_by_name_and_by_type() -> None:
    moment = datetime(2026, 1, 2, tzinfo=UTC)

    shown = audit.redacted(
        {
            "form": _Form(name="ada", password=SecretStr("canary")),
            "newPassword": "canary",
            "nested": [{"api_token": {"value": "canary"}}, {"Authorization": "Bearer canary"}],
            "client_secret": b"canary",
            "two_factor": "all",
            "password_changed": True,
            "token": None,
            "plain": SecretStr("canary"),
            "at": moment,
            "id": UUID(int=1),
            "grants": Grants(("b", "a")),
            "long": "a" * 5000,
        }
    )

    assert "canary" not in str(shown)
    assert shown == {
        "form": {"name": "ada", "password": "********"},
        "newPassword": "********",
        "nested": [{"api_token": "********"}, {"Authorization": "********"}],
        "client_secret": "********",
        "two_factor": "all",
        "password_changed": True,
        "token": None,
        "plain": "********",
        "at": "2026-01-02T00:00:00+00:00",
        "id": str(UUID(int=1)),
        "grants": ["a", "b"],
        "long": "a" * 1000,
    }


async def test_entries_are_kept_as_long_as_the_settings_say(panel: Panel) -> None:
    await _record(ADA, "old.thing", ("thing", 1))
    await _record(ADA, "new.thing", ("thing", 1))
    await AuditRow.filter(event="old.thing").update(created_at=datetime.now(UTC) - timedelta(days=400))

    assert await forget_old(timedelta(days=365)) == 1
    assert [entry.event for entry in await AuditRow.all()] == ["new.thing"]


async def test_values_of_variables_are_never_kept_only_their_names(panel: Panel) -> None:
    class Order(BaseModel):
        name: str
        variables: list[dict[str, str]]
        note: str = Field(json_schema_extra={"secret": True})

    told = {
        "environment": {"SERVER_JARFILE": "canary.jar", "MOTD": "canary"},
        "env": "canary",
        "changes": {"environment": {"from": {"WORLD": "canary"}}},
        "order": Order(name="one", variables=[{"env_variable": "MOTD", "default_value": "canary"}], note="canary"),
    }

    await _record(ADA, "server.updated", ("server", "variables"), told)

    assert (await AuditRow.get(subject_id="variables")).properties == {
        "environment": ["MOTD", "SERVER_JARFILE"],
        "env": "********",
        "changes": {"environment": ["from"]},
        "order": {"name": "one", "variables": ["MOTD"], "note": "********"},
    }
