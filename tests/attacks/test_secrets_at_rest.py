"""Secrets that were shown once are nowhere in the database in plain, whatever table a plugin keeps them in."""

from __future__ import annotations

from typing import Any

from tortoise import Tortoise

from muntin.testing.callers import PASSWORD, Caller, People

CANARY = "canary-0e7d1f5a"


async def everything_stored() -> str:
    """Every value of every row of every table."""
    rows: list[Any] = []
    for models in (Tortoise.apps or {}).values():
        for model in models.values():
            rows += [str(row) for row in await model.all().values()]
    return "\n".join(rows)


async def test_no_table_holds_a_secret_in_plain(admin: Caller, people: People, stranger: Caller) -> None:
    key = (await admin.post("/api/v1/account/api-keys", {"description": "x"}, Idempotency_Key="key-canary")).data[
        "token"
    ]
    wanted = {"name": "canary", "fqdn": "c.test", "memory": 1, "disk": 1}
    node = (await admin.post("/api/v1/admin/nodes", wanted, Idempotency_Key="node-canary")).data
    again = (await admin.post("/api/v1/admin/nodes", wanted, Idempotency_Key="node-canary")).data
    path = f"/api/v1/admin/nodes/{node['id']}"
    rotated, enrolment = await admin.post(f"{path}/rotate-token"), await admin.post(f"{path}/enrolment-token")
    person = {"email": "c@example.com", "username": "canary", "password": CANARY}
    await admin.post("/api/v1/admin/users", person, Idempotency_Key="user-canary")
    signed_in = (await stranger.post("/api/v1/auth/login", {"email": "canary", "password": CANARY})).data
    own = people.bearer(signed_in["access_token"])
    secret = (await own.post("/api/v1/account/two-factor/setup", {"password": CANARY})).data["secret"]
    mail = {"email": {"smtp_password": CANARY}, "oidc": {"client_secret": CANARY}}
    for section, values in mail.items():
        await admin.put("/api/v1/admin/settings", {section: values})

    stored = await everything_stored()
    secrets = {
        "password": CANARY,
        "other password": PASSWORD,
        "API key": key,
        "node token": node["daemon_token"],
        "rotated node token": rotated.data["daemon_token"],
        "enrolment token": enrolment.data["token"],
        "access token": signed_in["access_token"],
        "refresh token": signed_in["refresh_token"],
        "second factor": secret,
    }
    assert again == node
    assert [name for name, value in secrets.items() if value in stored] == []
    assert CANARY not in str((await admin.get("/api/v1/admin/settings")).body)
