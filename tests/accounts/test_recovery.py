"""Links from mails, and registration."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from muntin.accounts.models import AccountRow, OneTimeTokenRow
from muntin.accounts.recovery import send_invitation
from muntin.database import transaction

FORGOT, RESET = "/api/v1/auth/forgot-password", "/api/v1/auth/reset-password"
VERIFY, RESEND = "/api/v1/auth/verify-email", "/api/v1/auth/resend-verification"
REGISTER, LOGIN = "/api/v1/auth/register", "/api/v1/auth/login"
PASSWORD = "correct horse battery"
NEW = "another password"


def registration(**changes: Any) -> dict[str, Any]:
    return {"email": "Grace@Example.com", "username": "Grace", "password": NEW, "first_name": "Grace", **changes}


async def test_forgotten_password_is_set_anew(people: Any, stranger: Any, mails: Any) -> None:
    ada = await people.sign_in("ada")

    asked = await stranger.post(FORGOT, {"email": "ADA@example.com"})
    [mail] = await mails()
    changed = await stranger.post(RESET, {"token": mail.token, "email": "ada@example.com", "password": NEW})

    assert (asked.status, asked.data) == (200, {"sent": True})
    assert (mail.template, mail.to) == ("account.password_reset", "ada@example.com")
    assert str(mail.values["url"]).startswith("https://panel.example.test/reset-password?token=")
    assert (changed.status, changed.data) == (200, {"changed": True})
    assert (await ada.get("/api/v1/account")).status == 401
    assert (await stranger.post(LOGIN, {"email": "ada", "password": NEW})).status == 200


async def test_answer_is_the_same_for_an_unknown_address(people: Any, stranger: Any, mails: Any) -> None:
    await people.add("ada")
    await people.add("eve", status="suspended")

    answers = [await stranger.post(FORGOT, {"email": f"{name}@example.com"}) for name in ("ada", "eve", "nobody")]
    resent = [await stranger.post(RESEND, {"email": f"{name}@example.com"}) for name in ("ada", "nobody")]

    assert {(answer.status, str(answer.body)) for answer in (*answers, *resent)} == {(200, "{'data': {'sent': True}}")}
    assert [mail.to for mail in await mails()] == ["ada@example.com"]


async def test_reset_link_works_once_even_in_parallel(people: Any, stranger: Any, mails: Any) -> None:
    await people.add("ada")
    await stranger.post(FORGOT, {"email": "ada@example.com"})
    [mail] = await mails()
    body = {"token": mail.token, "email": "ada@example.com", "password": NEW}

    answers = await asyncio.gather(*(stranger.post(RESET, body) for _index in range(4)))
    again = await stranger.post(RESET, body)

    assert sorted(answer.status for answer in answers) == [200, 422, 422, 422]
    assert (again.status, again.code) == (422, "token_invalid")


async def test_newer_link_replaces_the_older(people: Any, stranger: Any, mails: Any) -> None:
    await people.add("ada")
    for _index in range(2):
        await stranger.post(FORGOT, {"email": "ada@example.com"})
    older, newer = await mails()

    answers = [
        await stranger.post(RESET, {"token": mail.token, "email": "ada@example.com", "password": NEW})
        for mail in (older, newer)
    ]

    assert [answer.status for answer in answers] == [422, 200]


async def test_reset_link_is_for_one_address_and_one_hour(people: Any, stranger: Any, mails: Any) -> None:
    await people.add("ada")
    await people.add("eve")
    await stranger.post(FORGOT, {"email": "ada@example.com"})
    [mail] = await mails()

    foreign = await stranger.post(RESET, {"token": mail.token, "email": "eve@example.com", "password": NEW})
    as_verification = await stranger.post(VERIFY, {"token": mail.token})
    short = await stranger.post(RESET, {"token": mail.token, "email": "ada@example.com", "password": "short"})
    await OneTimeTokenRow.all().update(expires_at=datetime.now(UTC))
    late = await stranger.post(RESET, {"token": mail.token, "email": "ada@example.com", "password": NEW})

    assert [(answer.status, answer.code) for answer in (foreign, as_verification, late)] == [(422, "token_invalid")] * 3
    assert (short.status, short.code) == (422, "validation_error")


async def test_changed_password_withdraws_the_reset_link(people: Any, stranger: Any, mails: Any) -> None:
    ada = await people.sign_in("ada")
    await stranger.post(FORGOT, {"email": "ada@example.com"})
    [mail] = await mails()
    await ada.put("/api/v1/account/password", {"current_password": PASSWORD, "password": "a third password"})

    answer = await stranger.post(RESET, {"token": mail.token, "email": "ada@example.com", "password": NEW})

    assert (answer.status, answer.code) == (422, "token_invalid")


async def test_invited_person_sets_their_password(people: Any, stranger: Any, mails: Any) -> None:
    ada = await people.add("ada", verified=False)
    await AccountRow.filter(id=ada.id).update(password_hash=None)
    async with transaction() as events:
        await send_invitation(events, ada)
    [mail] = await mails()

    changed = await stranger.post(RESET, {"token": mail.token, "email": "ada@example.com", "password": NEW})

    assert mail.template == "account.invitation"
    assert str(mail.values["url"]).startswith("https://panel.example.test/invitation?token=")
    assert changed.status == 200
    assert (await stranger.post(LOGIN, {"email": "ada", "password": NEW})).status == 200
    assert (await AccountRow.get(id=ada.id)).email_verified_at is not None


@pytest.mark.parametrize("path", [VERIFY, RESET])
async def test_junk_token_is_invalid(stranger: Any, path: str) -> None:
    body = {"token": "junk"} if path == VERIFY else {"token": "junk", "email": "a@example.com", "password": NEW}

    answer = await stranger.post(path, body)

    assert (answer.status, answer.code) == (422, "token_invalid")


async def test_registration_is_closed_unless_opened(stranger: Any) -> None:
    answer = await stranger.post(REGISTER, registration())

    assert (answer.status, answer.code) == (403, "registration_disabled")
    assert await AccountRow.all().count() == 0


async def test_registration_signs_in_at_once(stranger: Any, people: Any, change_settings: Any) -> None:
    await change_settings("security", registration_enabled=True)

    answer = await stranger.post(REGISTER, registration())

    assert answer.status == 201
    assert sorted(answer.data) == ["tokens", "user"]
    user = answer.data["user"]
    assert (user["email"], user["username"], user["status"]) == ("grace@example.com", "Grace", "active")
    assert user["role"] == {"id": 3, "name": "User", "slug": "user"}
    shown = await people.program(answer.data["tokens"]["access_token"]).get("/api/v1/account")
    assert shown.data["id"] == user["id"]


async def test_registration_waits_for_the_address(stranger: Any, mails: Any, change_settings: Any) -> None:
    await change_settings("security", registration_enabled=True, email_verification=True)

    made = await stranger.post(REGISTER, registration())
    before = await stranger.post(LOGIN, {"email": "grace", "password": NEW})
    await stranger.post(RESEND, {"email": "grace@example.com"})
    first, second = await mails()
    stale = await stranger.post(VERIFY, {"token": first.token})
    verified = await stranger.post(VERIFY, {"token": second.token})
    again = await stranger.post(VERIFY, {"token": second.token})
    after = await stranger.post(LOGIN, {"email": "grace", "password": NEW})

    assert (made.status, made.data) == (201, {"user": made.data["user"], "verification_required": True})
    assert (made.data["user"]["status"], made.data["user"]["email_verified_at"]) == ("pending", None)
    assert (before.status, before.code) == (403, "email_not_verified")
    assert {first.template, second.template} == {"account.verification"}
    assert (stale.code, verified.data, again.code) == ("token_invalid", {"verified": True}, "token_invalid")
    assert after.status == 200


async def test_suspended_account_is_not_opened_by_its_link(people: Any, stranger: Any, mails: Any) -> None:
    ada = await people.add("ada", status="pending", verified=False)
    await stranger.post(RESEND, {"email": "ada@example.com"})
    [mail] = await mails()
    await AccountRow.filter(id=ada.id).update(status="suspended")

    answer = await stranger.post(VERIFY, {"token": mail.token})

    assert answer.code == "token_invalid"
    assert (await AccountRow.get(id=ada.id)).status == "suspended"


@pytest.mark.parametrize("changes", [{"email": "ADA@example.com"}, {"username": "ADA"}])
async def test_taken_address_or_name_is_refused(
    people: Any, stranger: Any, change_settings: Any, changes: dict[str, str]
) -> None:
    await people.add("ada")
    await change_settings("security", registration_enabled=True)

    answer = await stranger.post(REGISTER, registration(**changes))

    assert (answer.status, answer.code, list(answer.body["error"]["details"])) == (409, "conflict", list(changes))


async def test_of_parallel_registrations_one_wins(stranger: Any, change_settings: Any) -> None:
    await change_settings("security", registration_enabled=True)

    answers = await asyncio.gather(*(stranger.post(REGISTER, registration()) for _index in range(4)))

    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409]
    assert await AccountRow.all().count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "nonsense"}, "email"),
        ({"email": "a@" + "x" * 300 + ".com"}, "email"),
        ({"username": "-x-"}, "username"),
        ({"username": "../../etc"}, "username"),
        ({"password": "short"}, "password"),
        ({"role_id": 1}, "role_id"),
        ({"status": "active"}, "status"),
        ({"first_name": "a\r\nb"}, "first_name"),
    ],
)
async def test_wrong_registration_names_the_field(
    stranger: Any, change_settings: Any, changes: dict[str, Any], field: str
) -> None:
    await change_settings("security", registration_enabled=True)

    answer = await stranger.post(REGISTER, registration(**changes))

    assert (answer.status, answer.code, list(answer.body["error"]["details"])) == (422, "validation_error", [field])
    assert await AccountRow.all().count() == 0
