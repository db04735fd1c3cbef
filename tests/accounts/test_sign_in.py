"""Signing in with a password, over HTTP."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from argon2 import PasswordHasher

from muntin.accounts import passwords
from muntin.accounts.models import AccountRow, LoginFailureRow, SessionRow
from muntin.audit.models import AuditRow
from muntin.events.models import OutboxRow

PASSWORD = "correct horse battery"
LOGIN = "/api/v1/auth/login"


def login(email: str = "ada@example.com", password: str = PASSWORD, **more: Any) -> dict[str, Any]:
    return {"email": email, "password": password, **more}


async def test_right_password_opens_a_session(people: Any, stranger: Any) -> None:
    ada = await people.add("ada")

    answer = await stranger.post(LOGIN, login(), User_Agent="curl/8")

    assert answer.status == 200
    assert answer.data == {
        "access_token": answer.data["access_token"],
        "refresh_token": answer.data["refresh_token"],
        "token_type": "Bearer",
        "expires_in": 900,
        "refresh_expires_in": 604800,
    }
    [session] = await SessionRow.all()
    assert (session.account_id, session.kind, session.ip, session.user_agent) == (
        ada.id,
        "api",
        "198.51.100.1",
        "curl/8",
    )
    assert answer.data["refresh_token"] not in str(vars(session))
    assert (await AccountRow.get(id=ada.id)).last_login_at is not None
    account = await people.program(answer.data["access_token"]).get("/api/v1/account")
    assert account.data["username"] == "ada"


async def test_sign_in_is_told_as_event_and_in_the_audit_log(people: Any, stranger: Any) -> None:
    ada = await people.add("ada")

    await stranger.post(LOGIN, login())

    [session] = await SessionRow.all()
    [event] = await OutboxRow.filter(type="user.signed_in")
    assert event.payload == {"user_id": str(ada.id), "session_id": str(session.id)}
    [entry] = await AuditRow.filter(event="user.signed_in")
    assert (entry.actor_id, entry.actor_username, entry.ip) == (ada.id, "ada", "198.51.100.1")


async def test_username_and_capitals_are_accepted(people: Any, stranger: Any) -> None:
    await people.add("Ada")

    answers = [await stranger.post(LOGIN, login(name)) for name in ("ada", "ADA", " Ada@Example.COM ")]

    assert [answer.status for answer in answers] == [200, 200, 200]


async def test_unknown_account_and_wrong_password_get_the_same_answer(people: Any, stranger: Any) -> None:
    await people.add("ada")

    unknown = await stranger.post(LOGIN, login("eve@example.com"))
    wrong = await stranger.post(LOGIN, login(password="incorrect horse"))

    assert unknown.status == wrong.status == 401
    assert unknown.body == wrong.body
    assert unknown.code == "invalid_credentials"
    assert sorted(unknown.headers.keys()) == sorted(wrong.headers.keys())


async def test_unknown_account_takes_as_long_as_a_wrong_password(people: Any) -> None:
    await people.add("ada")

    async def seconds(who: str, number: int) -> float:
        caller = people.stranger(f"198.51.100.{number}")
        began = time.perf_counter()
        await caller.post(LOGIN, login(who, "incorrect horse"))
        return time.perf_counter() - began

    pairs = [(await seconds("eve@example.com", n), await seconds("ada@example.com", n)) for n in range(1, 9)]

    unknown, wrong = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
    assert 1 / 3 < unknown / wrong < 3


async def test_account_without_a_password_lets_nobody_in(people: Any, stranger: Any) -> None:
    ada = await people.add("ada")
    await AccountRow.filter(id=ada.id).update(password_hash=None)

    answer = await stranger.post(LOGIN, login())

    assert (answer.status, answer.code) == (401, "invalid_credentials")


async def test_suspended_account_is_told_so_only_with_the_right_password(people: Any, stranger: Any) -> None:
    await people.add("ada", status="suspended")

    right, wrong = await stranger.post(LOGIN, login()), await stranger.post(LOGIN, login(password="incorrect"))

    assert (right.status, right.code) == (403, "account_suspended")
    assert (wrong.status, wrong.code) == (401, "invalid_credentials")


async def test_unverified_account_has_to_confirm_its_address(people: Any, stranger: Any) -> None:
    await people.add("ada", status="pending", verified=False)

    answer = await stranger.post(LOGIN, login())

    assert (answer.status, answer.code) == (403, "email_not_verified")


async def test_deleted_account_is_unknown(people: Any, stranger: Any) -> None:
    await people.add("ada", status="deleted")

    answer = await stranger.post(LOGIN, login())

    assert (answer.status, answer.code) == (401, "invalid_credentials")


async def test_bad_bodies_are_refused(stranger: Any) -> None:
    broken = await stranger.post(LOGIN, b"{")
    missing = await stranger.post(LOGIN, {"email": "ada@example.com"})
    unknown = await stranger.post(LOGIN, login(role_id=1))
    form = await stranger.post(LOGIN, b"email=ada", Content_Type="application/x-www-form-urlencoded")

    assert (broken.status, broken.code) == (400, "bad_request")
    assert (missing.status, missing.code, list(missing.body["error"]["details"])) == (
        422,
        "validation_error",
        ["password"],
    )
    assert (unknown.status, list(unknown.body["error"]["details"])) == (422, ["role_id"])
    assert (form.status, form.code) == (415, "unsupported_media_type")


async def test_eleventh_attempt_of_a_minute_from_one_address_has_to_wait(people: Any) -> None:
    await people.add("ada")
    other = people.stranger("203.0.113.6")
    for address in ("203.0.113.5", "203.0.113.7"):
        caller, minute = people.stranger(address), time.time() // 60
        answers = await asyncio.gather(*(caller.post(LOGIN, login(f"user{n}", "wrong")) for n in range(14)))
        if time.time() // 60 == minute:  # else it ended meanwhile
            break

    refused = [answer for answer in answers if answer.status != 401]
    assert [(answer.status, answer.code) for answer in refused] == [(429, "rate_limit_exceeded")] * 4
    assert all(1 <= int(answer.headers["Retry-After"]) <= 60 for answer in refused)
    assert (await other.post(LOGIN, login())).status == 200


async def test_failures_lock_this_address_and_nobody_else(people: Any, change_settings: Any) -> None:
    await people.add("ada")
    await people.add("bob")
    await change_settings("security", max_failed_attempts=3)
    attacker, owner = people.stranger("203.0.113.5"), people.stranger("203.0.113.6")

    failures = [await attacker.post(LOGIN, login(password="wrong")) for _try in range(3)]
    locked = await attacker.post(LOGIN, login())

    assert [answer.status for answer in failures] == [401, 401, 401]
    assert (locked.status, locked.code) == (423, "account_locked")
    assert 1 <= int(locked.headers["Retry-After"]) <= 15 * 60
    assert (await owner.post(LOGIN, login())).status == 200
    assert (await attacker.post(LOGIN, login("bob@example.com"))).status == 200


async def test_lock_holds_for_the_whole_ipv6_network(people: Any, change_settings: Any) -> None:
    await people.add("ada")
    await change_settings("security", max_failed_attempts=3)

    answers = [
        await people.stranger(f"2001:db8:1:2::{number}").post(LOGIN, login(password="wrong")) for number in range(4)
    ]

    assert [answer.status for answer in answers] == [401, 401, 401, 423]


async def test_unknown_names_lock_like_known_ones(people: Any, stranger: Any, change_settings: Any) -> None:
    await change_settings("security", max_failed_attempts=3)

    answers = [await stranger.post(LOGIN, login("eve@example.com", "wrong")) for _try in range(4)]

    assert [answer.status for answer in answers] == [401, 401, 401, 423]


async def test_parallel_guesses_do_not_slip_past_the_count(people: Any, change_settings: Any) -> None:
    await people.add("ada")
    await change_settings("security", max_failed_attempts=3)
    attacker = people.stranger("203.0.113.5")

    answers = await asyncio.gather(*(attacker.post(LOGIN, login(password=f"wrong {n}")) for n in range(8)))

    assert sorted(answer.status for answer in answers) == [401, 401, 401, 423, 423, 423, 423, 423]


async def test_success_forgets_earlier_failures(people: Any, stranger: Any, change_settings: Any) -> None:
    await people.add("ada")
    await change_settings("security", max_failed_attempts=3)

    answers = [
        await stranger.post(LOGIN, login(password=password))
        for password in ("wrong", "wrong", PASSWORD, "wrong", "wrong", PASSWORD)
    ]

    assert [answer.status for answer in answers] == [401, 401, 200, 401, 401, 200]
    assert await LoginFailureRow.all().count() == 0


async def test_lock_ends_with_the_waiting_time(people: Any, stranger: Any, change_settings: Any) -> None:
    await people.add("ada")
    await change_settings("security", max_failed_attempts=3)
    for _try in range(3):
        await stranger.post(LOGIN, login(password="wrong"))
    await LoginFailureRow.all().update(ends_at_s=int(time.time()))

    answer = await stranger.post(LOGIN, login())

    assert answer.status == 200


async def test_outdated_hash_is_renewed_at_sign_in(people: Any, stranger: Any) -> None:
    ada = await people.add("ada")
    old = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    await AccountRow.filter(id=ada.id).update(password_hash=old)

    answer = await stranger.post(LOGIN, login())

    assert answer.status == 200
    stored = (await AccountRow.get(id=ada.id)).password_hash
    assert stored is not None
    assert not passwords.is_outdated(stored)
    assert await passwords.is_password(PASSWORD, stored)


async def test_failed_sign_in_is_audited_without_what_was_typed(people: Any, stranger: Any) -> None:
    ada = await people.add("ada")

    await stranger.post(LOGIN, login(password="canary-typed-password"))
    await stranger.post(LOGIN, login("canary-typed-name", "x"))

    entries = await AuditRow.filter(event="user.sign_in_failed").order_by("id")
    assert [entry.subject_id for entry in entries] == [str(ada.id), "unknown"]
    assert "canary" not in str([vars(entry) for entry in entries])
