"""The first administrator, accounts from the command line, and what is tidied away."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from muntin.accounts import lockout, second_factor, sessions, tokens
from muntin.accounts.commands import create_account, disable_account, set_password
from muntin.accounts.errors import AccountExists
from muntin.accounts.first import FirstAdministrator, create_first_administrator
from muntin.accounts.models import AccountRow, LoginFailureRow, OneTimeTokenRow, SessionRow, UsedCodeRow
from muntin.errors import InvalidInput, NotFound
from muntin.events.models import OutboxRow

LOGIN = "/api/v1/auth/login"


async def test_first_administrator_gets_a_chosen_password(app: Any, stranger: Any) -> None:
    made = await create_first_administrator(app.panel.configuration)
    again = await create_first_administrator(app.panel.configuration)

    assert made is not None
    assert made.password is not None
    assert (made.email, made.username, again) == ("admin@example.com", "admin", None)
    signed_in = await stranger.post(LOGIN, {"email": "admin", "password": made.password})
    assert signed_in.status == 200
    account = await AccountRow.get().select_related("role")
    assert (account.role.slug, account.email_verified_at is not None) == ("admin", True)


async def test_environment_names_the_first_administrator(app: Any, stranger: Any) -> None:
    given = {"admin_email": "Root@Example.com", "admin_password": SecretStr("from the environment")}
    configuration = app.panel.configuration.model_copy(update=given)

    made = await create_first_administrator(configuration)

    assert made == FirstAdministrator(email="root@example.com", username="admin", password=None)
    signed_in = await stranger.post(LOGIN, {"email": "root@example.com", "password": "from the environment"})
    assert signed_in.status == 200


async def test_two_fresh_installs_share_no_password(app: Any) -> None:
    first = await create_first_administrator(app.panel.configuration)
    await AccountRow.all().delete()
    second = await create_first_administrator(app.panel.configuration)

    assert first != second


async def test_account_is_created_from_the_command_line(app: Any, people: Any, stranger: Any) -> None:
    names = [await create_account("Grace.H@example.com", "long enough"), await create_account("g@x.org", "long enough")]
    again = await create_account("grace.h@example.net", "long enough", admin=True)

    assert names == ["grace.h", "user-g"]
    assert again.startswith("grace.h-")
    assert (await AccountRow.get(username=again)).role_id == 1
    assert (await stranger.post(LOGIN, {"email": "grace.h", "password": "long enough"})).status == 200
    with pytest.raises(AccountExists):
        await create_account("GRACE.H@example.com", "long enough")
    with pytest.raises(InvalidInput):
        await create_account("nonsense", "long enough")
    with pytest.raises(InvalidInput):
        await create_account("short@example.com", "short")


async def test_password_from_the_command_line_ends_sessions(ada: Any, stranger: Any) -> None:
    await set_password("ada@example.com", "from the command line")

    assert (await ada.get("/api/v1/account")).status == 401
    assert (await stranger.post(LOGIN, {"email": "ada", "password": "from the command line"})).status == 200
    with pytest.raises(NotFound):
        await set_password("nobody", "from the command line")


async def test_disabled_account_is_out_at_once(ada: Any, people: Any, stranger: Any) -> None:
    key = (await ada.post("/api/v1/account/api-keys", {"description": "x"})).data["token"]
    assert (await people.program(key).get("/api/v1/account")).status == 200

    await disable_account("ada")

    assert (await ada.get("/api/v1/account")).status == 401
    assert (await people.program(key).get("/api/v1/account")).code == "account_suspended"
    signed_in = await stranger.post(LOGIN, {"email": "ada", "password": "correct horse battery"})
    assert signed_in.code == "account_suspended"
    assert await OutboxRow.filter(type="user.suspended").count() == 1


async def test_past_credentials_are_tidied_away(ada: Any) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    await SessionRow.create(
        account_id=ada.account.id, kind="web", secret_hash="x", ip="", last_active_at=past, expires_at=past
    )
    await tokens.issue("verification", ada.account.id, lifetime=timedelta(seconds=-1))
    await tokens.issue("password_reset", ada.account.id, lifetime=timedelta(hours=1))
    await UsedCodeRow.create(account_id=ada.account.id, step=1)
    await LoginFailureRow.create(subject="x", failures=1, ends_at_s=int(time.time()))

    deleted = [
        await sessions.delete_past_sessions(),
        await tokens.delete_past_tokens(),
        await second_factor.delete_past_codes(),
        await lockout.delete_past_failures(),
    ]

    assert deleted == [1, 1, 1, 1]
    assert await SessionRow.all().count() == await OneTimeTokenRow.all().count() == 1
