"""The second factor: set up, asked for, replayed, recovered from, demanded, switched off."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest

from muntin.accounts.models import AccountRow, OneTimeTokenRow, RecoveryCodeRow, UsedCodeRow
from muntin.audit.models import AuditRow
from muntin.roles.models import ADMIN_ID

PASSWORD = "correct horse battery"
LOGIN, SECOND = "/api/v1/auth/login", "/api/v1/auth/login/2fa"
TWO_FACTOR = "/api/v1/account/two-factor"


def code_of(secret: str, steps: int = 1) -> str:
    """Of the next step by default: taken now, and also when that step begins before it has arrived."""
    return pyotp.TOTP(secret).at(int(time.time()) + 30 * steps)


@pytest.fixture
async def protected(ada: Any) -> tuple[str, list[str]]:
    """Ada's second factor: her secret and her recovery codes. The code of this step is used up."""
    secret = (await ada.post(f"{TWO_FACTOR}/setup", {"password": PASSWORD})).data["secret"]
    enabled = await ada.post(f"{TWO_FACTOR}/enable", {"code": code_of(secret, 0)})
    assert enabled.status == 200
    return secret, enabled.data["backup_codes"]


async def challenge(stranger: Any, **more: Any) -> str:
    answer = await stranger.post(LOGIN, {"email": "ada@example.com", "password": PASSWORD, **more})
    assert answer.status == 200
    return str(answer.data["challenge_token"])


async def test_enrolment_from_set_up_to_recovery_codes(ada: Any, mails: Any) -> None:
    before = await ada.get(TWO_FACTOR)
    setup = await ada.post(f"{TWO_FACTOR}/setup", {"password": PASSWORD})
    enabled = await ada.post(f"{TWO_FACTOR}/enable", {"code": code_of(setup.data["secret"])})
    after = await ada.get(TWO_FACTOR)

    assert before.data == {"enabled": False, "methods": [], "backup_codes_remaining": 0, "required": False}
    assert re.fullmatch(r"[A-Z2-7]{32}", setup.data["secret"])
    assert setup.data["otpauth_url"].startswith("otpauth://totp/muntin:ada%40example.com?secret=")
    assert setup.data["qr_svg"].startswith("<svg ")
    assert setup.data["qr_svg"].endswith("</svg>")
    assert sorted(setup.data) == ["otpauth_url", "qr_svg", "secret"]
    assert enabled.data == {"enabled": True, "backup_codes": enabled.data["backup_codes"]}
    assert len(set(enabled.data["backup_codes"])) == 10
    assert after.data == {"enabled": True, "methods": ["totp"], "backup_codes_remaining": 10, "required": False}
    assert (await ada.get("/api/v1/account")).data["two_factor_enabled"] is True
    assert [mail.template for mail in await mails()] == ["account.notice"]


async def test_secret_and_codes_are_not_readable_in_the_database(protected: Any) -> None:
    secret, codes = protected

    row = await AccountRow.get(username_key="ada")
    stored = str([vars(row), [vars(one) for one in await RecoveryCodeRow.all()]])

    assert secret not in stored
    assert not any(code in stored or code.replace("-", "") in stored for code in codes)


async def test_set_up_needs_the_current_password(ada: Any) -> None:
    answer = await ada.post(f"{TWO_FACTOR}/setup", {"password": "wrong"})

    assert (answer.status, answer.code) == (422, "validation_error")
    assert answer.body["error"]["details"] == {"password": ["This is not your current password."]}


async def test_set_up_is_refused_while_it_is_on(ada: Any, protected: Any) -> None:
    setup = await ada.post(f"{TWO_FACTOR}/setup", {"password": PASSWORD})
    enable = await ada.post(f"{TWO_FACTOR}/enable", {"code": "123456"})

    assert (setup.status, setup.code) == (409, "conflict")
    assert (enable.status, enable.code) == (409, "conflict")


@pytest.mark.parametrize("code", ["000000", "abc", "١٢٣٤٥٦", "12345678901234567890123456789012"])
async def test_wrong_code_does_not_enable(ada: Any, code: str) -> None:
    await ada.post(f"{TWO_FACTOR}/setup", {"password": PASSWORD})

    answer = await ada.post(f"{TWO_FACTOR}/enable", {"code": code})

    assert (answer.status, answer.code) == (422, "invalid_code")
    assert (await ada.get(TWO_FACTOR)).data["enabled"] is False


async def test_set_up_has_to_be_confirmed_within_fifteen_minutes(ada: Any) -> None:
    secret = (await ada.post(f"{TWO_FACTOR}/setup", {"password": PASSWORD})).data["secret"]
    await AccountRow.filter(username_key="ada").update(two_factor_pending_until=datetime.now(UTC))

    answer = await ada.post(f"{TWO_FACTOR}/enable", {"code": code_of(secret)})

    assert (answer.status, answer.code) == (422, "invalid_code")


async def test_sign_in_asks_for_the_second_factor(stranger: Any, people: Any, protected: Any) -> None:
    secret, _codes = protected

    first = await stranger.post(LOGIN, {"email": "ada@example.com", "password": PASSWORD})
    second = await stranger.post(SECOND, {"challenge_token": first.data["challenge_token"], "code": code_of(secret)})

    assert first.data == {
        "two_factor_required": True,
        "challenge_token": first.data["challenge_token"],
        "methods": ["totp", "backup_code"],
        "expires_in": 300,
    }
    assert second.status == 200
    assert sorted(second.data) == ["access_token", "expires_in", "refresh_expires_in", "refresh_token", "token_type"]
    assert (await people.program(second.data["access_token"]).get("/api/v1/account")).status == 200


async def test_half_signed_in_is_not_signed_in(stranger: Any, people: Any, protected: Any) -> None:
    token = await challenge(stranger)

    as_bearer = await people.program(token).get("/api/v1/account")
    as_refresh = await stranger.post("/api/v1/auth/refresh", {"refresh_token": token})
    as_reset = await stranger.post(
        "/api/v1/auth/reset-password", {"token": token, "email": "ada@example.com", "password": "another password"}
    )

    assert (as_bearer.status, as_refresh.status, as_reset.status) == (401, 401, 422)


async def test_wrong_password_gets_the_same_answer_with_a_second_factor(stranger: Any, protected: Any) -> None:
    answer = await stranger.post(LOGIN, {"email": "ada@example.com", "password": "wrong"})

    assert (answer.status, answer.code) == (401, "invalid_credentials")


async def test_code_works_once(stranger: Any, protected: Any) -> None:
    secret, _codes = protected
    code = code_of(secret)

    first = await stranger.post(SECOND, {"challenge_token": await challenge(stranger), "code": code})
    second = await stranger.post(SECOND, {"challenge_token": await challenge(stranger), "code": code})

    assert first.status == 200
    assert (second.status, second.code) == (401, "invalid_code")


async def test_code_of_the_enrolment_is_not_accepted_at_sign_in(stranger: Any, protected: Any) -> None:
    secret, _codes = protected
    used = pyotp.TOTP(secret).generate_otp((await UsedCodeRow.get()).step)

    answer = await stranger.post(SECOND, {"challenge_token": await challenge(stranger), "code": used})

    assert (answer.status, answer.code) == (401, "invalid_code")


async def test_of_parallel_uses_of_a_code_one_succeeds(stranger: Any, protected: Any) -> None:
    secret, _codes = protected
    challenges = [await challenge(stranger) for _index in range(3)]
    code = code_of(secret)

    answers = await asyncio.gather(
        *(stranger.post(SECOND, {"challenge_token": one, "code": code}) for one in challenges)
    )

    assert sorted(answer.status for answer in answers) == [200, 401, 401]


async def test_of_parallel_answers_to_a_challenge_one_succeeds(stranger: Any, protected: Any) -> None:
    secret, codes = protected
    token = await challenge(stranger)

    answers = await asyncio.gather(
        *(stranger.post(SECOND, {"challenge_token": token, "code": code}) for code in (code_of(secret), *codes[:2]))
    )

    assert sorted(answer.status for answer in answers) == [200, 401, 401]


async def test_recovery_code_works_once_however_it_is_typed(stranger: Any, ada: Any, protected: Any) -> None:
    _secret, codes = protected
    typed = codes[0].upper().replace("-", " ")

    first = await stranger.post(SECOND, {"challenge_token": await challenge(stranger), "code": typed})
    second = await stranger.post(SECOND, {"challenge_token": await challenge(stranger), "code": codes[0]})

    assert first.status == 200
    assert (second.status, second.code) == (401, "invalid_code")
    assert (await ada.get(TWO_FACTOR)).data["backup_codes_remaining"] == 9


async def test_challenge_ends_after_five_tries(stranger: Any, protected: Any) -> None:
    secret, _codes = protected
    token = await challenge(stranger)

    wrong = [await stranger.post(SECOND, {"challenge_token": token, "code": "000000"}) for _try in range(5)]
    right = await stranger.post(SECOND, {"challenge_token": token, "code": code_of(secret)})

    assert {(answer.status, answer.code) for answer in wrong} == {(401, "invalid_code")}
    assert (right.status, right.code) == (401, "challenge_expired")


async def test_challenge_ends_after_five_minutes(stranger: Any, protected: Any) -> None:
    secret, _codes = protected
    token = await challenge(stranger)
    issued = await OneTimeTokenRow.get(purpose="two_factor")
    left_s = (issued.expires_at - datetime.now(UTC)).total_seconds()
    await OneTimeTokenRow.all().update(expires_at=datetime.now(UTC) - timedelta(seconds=1))

    answer = await stranger.post(SECOND, {"challenge_token": token, "code": code_of(secret)})

    assert 200 < left_s <= 300
    assert (answer.status, answer.code) == (401, "challenge_expired")


async def test_unknown_challenge_is_refused(stranger: Any) -> None:
    answer = await stranger.post(SECOND, {"challenge_token": "junk", "code": "123456"})

    assert (answer.status, answer.code) == (401, "challenge_expired")


async def test_wrong_codes_lock_from_every_address(people: Any, protected: Any, change_settings: Any) -> None:
    secret, _codes = protected
    await change_settings("security", max_failed_attempts=3)

    answers = []
    for number in range(7):
        caller = people.stranger(f"203.0.113.{number}")
        token = await challenge(caller)
        answers.append(await caller.post(SECOND, {"challenge_token": token, "code": "000000"}))
    fresh = people.stranger("203.0.113.99")
    locked = await fresh.post(SECOND, {"challenge_token": await challenge(fresh), "code": code_of(secret)})

    assert [answer.status for answer in answers] == [401] * 6 + [423]
    assert (locked.status, locked.code) == (423, "account_locked")


async def test_account_suspended_between_the_steps_stays_out(stranger: Any, protected: Any) -> None:
    secret, _codes = protected
    token = await challenge(stranger)
    await AccountRow.filter(username_key="ada").update(status="suspended")

    answer = await stranger.post(SECOND, {"challenge_token": token, "code": code_of(secret)})

    assert (answer.status, answer.code) == (403, "account_suspended")


async def test_switching_off_needs_both_factors(ada: Any, protected: Any) -> None:
    secret, codes = protected
    path = f"{TWO_FACTOR}/disable"

    no_password = await ada.post(path, {"password": "wrong", "code": code_of(secret)})
    no_code = await ada.post(path, {"password": PASSWORD, "code": "000000"})
    off = await ada.post(path, {"password": PASSWORD, "code": codes[3]})

    assert (no_password.status, no_password.code) == (422, "validation_error")
    assert (no_code.status, no_code.code) == (422, "invalid_code")
    assert (off.status, off.data) == (200, {"enabled": False})
    assert (await ada.get(TWO_FACTOR)).data["enabled"] is False
    assert await RecoveryCodeRow.all().count() == 0
    assert await AuditRow.filter(event="user.two_factor_disabled").count() == 1


async def test_switching_off_what_is_off_is_refused(ada: Any) -> None:
    answer = await ada.post(f"{TWO_FACTOR}/disable", {"password": PASSWORD, "code": "123456"})

    assert (answer.status, answer.code) == (422, "invalid_code")


async def test_new_recovery_codes_replace_the_old(ada: Any, stranger: Any, protected: Any) -> None:
    _secret, old = protected

    renewed = await ada.post(f"{TWO_FACTOR}/backup-codes", {"password": PASSWORD})
    with_old = await stranger.post(SECOND, {"challenge_token": await challenge(stranger), "code": old[0]})
    new = renewed.data["backup_codes"]
    with_new = await stranger.post(SECOND, {"challenge_token": await challenge(stranger), "code": new[0]})

    assert len(set(new) - set(old)) == 10
    assert (with_old.status, with_new.status) == (401, 200)
    assert (await ada.post(f"{TWO_FACTOR}/backup-codes", {"password": "wrong"})).status == 422


async def test_recovery_codes_need_a_second_factor(ada: Any) -> None:
    answer = await ada.post(f"{TWO_FACTOR}/backup-codes", {"password": PASSWORD})

    assert (answer.status, answer.code) == (409, "conflict")


async def test_who_has_to_enrol_can_do_nothing_else(ada: Any, change_settings: Any) -> None:
    await change_settings("security", two_factor="all")

    refused = [await ada.get(path) for path in ("/api/v1/account/sessions", "/api/v1/account/api-keys")]
    refused.append(
        await ada.put("/api/v1/account/password", {"current_password": PASSWORD, "password": "new password"})
    )
    allowed = [await ada.get(path) for path in ("/api/v1/account", TWO_FACTOR)]
    setup = await ada.post(f"{TWO_FACTOR}/setup", {"password": PASSWORD})
    enabled = await ada.post(f"{TWO_FACTOR}/enable", {"code": code_of(setup.data["secret"])})
    after = await ada.get("/api/v1/account/sessions")

    assert {(answer.status, answer.code) for answer in refused} == {(403, "two_factor_required")}
    assert [answer.status for answer in (*allowed, setup, enabled, after)] == [200] * 5
    assert allowed[1].data["required"] is True


async def test_administrators_alone_may_have_to_enrol(ada: Any, people: Any, change_settings: Any) -> None:
    root = await people.sign_in("root", role_id=ADMIN_ID)
    await change_settings("security", two_factor="admins")

    assert (await ada.get("/api/v1/account/sessions")).status == 200
    assert (await root.get("/api/v1/account/sessions")).code == "two_factor_required"


async def test_demanded_second_factor_cannot_be_switched_off(ada: Any, protected: Any, change_settings: Any) -> None:
    secret, _codes = protected
    await change_settings("security", two_factor="all")

    answer = await ada.post(f"{TWO_FACTOR}/disable", {"password": PASSWORD, "code": code_of(secret)})

    assert (answer.status, answer.code) == (403, "two_factor_required")


async def test_sign_out_is_possible_before_enrolment(ada: Any, change_settings: Any) -> None:
    await change_settings("security", two_factor="all")

    assert (await ada.post("/api/v1/auth/logout")).status == 204
