"""Access and refresh tokens."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from muntin.accounts import tokens
from muntin.accounts.models import SessionRow
from muntin.signing import derive_key

VECTOR_KEY = b"native-test-secret-0123456789abcdef"
VECTOR_CLAIMS = {
    "iss": "https://panel.example.test",
    "sub": "a1b2c3d4-e5f6-4890-abcd-ef1234567890",
    "sid": "0b6d2d5e-9d0a-4d8e-8d6f-2f6f0f5b7a11",
    "typ": "access",
    "iat": 1772884800,
    "exp": 1772885700,
    "jti": "5c9c3c3e-6a3e-4c55-9d0a-1a2b3c4d5e6f",
}
URL = "https://panel.example.test"
KEY = b"a-key-for-tests-0123456789abcdef"
REFRESH = "/api/v1/auth/refresh"


def test_access_token_equals_the_vector() -> None:
    token = tokens.encode(VECTOR_CLAIMS, VECTOR_KEY)

    assert token.rsplit(".", 1)[1] == "T2hd4m8wkQ6i8wWuppkCvEXUNnsqex0cNaQR4uDDLkA"
    assert tokens.decode(token, VECTOR_KEY) == VECTOR_CLAIMS


async def test_access_token_says_who_and_for_how_long(ada: Any) -> None:
    claims = tokens.decode(ada.token, derive_key(KEY, "accounts.access-token"))

    assert claims == {
        "iss": URL,
        "sub": str(ada.account.id),
        "sid": str(ada.session.id),
        "typ": "access",
        "iat": claims["iat"],
        "exp": claims["iat"] + 900,
        "jti": claims["jti"],
    }
    assert abs(claims["iat"] - time.time()) < 60


async def _forged(ada: Any, key: bytes | None = None, **changes: Any) -> str:
    claims = tokens.decode(ada.token, tokens.access_key())
    return tokens.encode({**claims, **changes}, key or tokens.access_key())


async def test_expired_access_token_is_told_apart(ada: Any, people: Any) -> None:
    token = await _forged(ada, exp=int(time.time()) - 1)

    answer = await people.program(token).get("/api/v1/account")

    assert (answer.status, answer.code) == (401, "token_expired")


@pytest.mark.parametrize(
    "changes",
    [
        {"typ": "refresh"},
        {"iss": "https://other.example.test"},
        {"sid": str(uuid4())},
        {"sub": str(uuid4())},
        {"sub": "ada"},
        {"sid": None},
        {"exp": "soon"},
    ],
)
async def test_token_with_other_claims_is_refused(ada: Any, people: Any, changes: dict[str, Any]) -> None:
    answer = await people.program(await _forged(ada, **changes)).get("/api/v1/account")

    assert (answer.status, answer.code) == (401, "unauthorized")


async def test_foreign_signatures_and_algorithms_are_refused(ada: Any, people: Any) -> None:
    head, body, _signature = ada.token.split(".")
    foreign = await _forged(ada, b"another key of thirty-two bytes.")
    root = await _forged(ada, KEY)
    unsigned = f"eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{body}."
    junk = ("x", "a.b.c", "bp_", f"{head}.{body}.", "é", "bp_" + "x" * 40, "." * 5000)

    answers = [await people.program(token).get("/api/v1/account") for token in (foreign, root, unsigned, *junk)]

    assert {(answer.status, answer.code) for answer in answers} == {(401, "unauthorized")}


async def test_other_kinds_of_tokens_do_not_open_the_api(ada: Any, people: Any) -> None:
    one_time = await tokens.issue("password_reset", ada.account.id, lifetime=timedelta(hours=1))

    answers = [await people.program(token).get("/api/v1/account") for token in (ada.session.secret, one_time)]

    assert {(answer.status, answer.code) for answer in answers} == {(401, "unauthorized")}


async def test_request_without_a_token_is_anonymous(stranger: Any) -> None:
    none = await stranger.get("/api/v1/account")
    basic = await stranger.get("/api/v1/account", Authorization="Basic YWRhOmFkYQ==")

    assert (none.status, none.code, none.headers["WWW-Authenticate"]) == (401, "unauthorized", "Bearer")
    assert (basic.status, basic.code) == (401, "unauthorized")


async def test_refresh_gives_a_new_pair_and_uses_up_the_old(ada: Any, stranger: Any, people: Any) -> None:
    answer = await stranger.post(REFRESH, {"refresh_token": ada.session.secret})

    assert answer.status == 200
    assert answer.data["refresh_token"] != ada.session.secret
    assert (answer.data["token_type"], answer.data["expires_in"]) == ("Bearer", 900)
    assert (await people.program(answer.data["access_token"]).get("/api/v1/account")).status == 200
    again = await stranger.post(REFRESH, {"refresh_token": answer.data["refresh_token"]})
    assert again.status == 200


async def test_used_refresh_token_ends_the_whole_session(ada: Any, stranger: Any) -> None:
    pair = (await stranger.post(REFRESH, {"refresh_token": ada.session.secret})).data
    newer = (await stranger.post(REFRESH, {"refresh_token": pair["refresh_token"]})).data

    copied = await stranger.post(REFRESH, {"refresh_token": ada.session.secret})

    assert (copied.status, copied.code) == (401, "invalid_refresh_token")
    assert (await stranger.post(REFRESH, {"refresh_token": newer["refresh_token"]})).code == "invalid_refresh_token"
    assert (await ada.get("/api/v1/account")).status == 401
    assert await SessionRow.all().count() == 0


async def test_of_parallel_refreshes_one_wins_and_the_session_lives(ada: Any, stranger: Any) -> None:
    asked = (stranger.post(REFRESH, {"refresh_token": ada.session.secret}) for _index in range(6))

    answers = await asyncio.gather(*asked)

    assert sorted(answer.status for answer in answers) == [200, 401, 401, 401, 401, 401]
    winner = next(answer for answer in answers if answer.status == 200)
    assert (await stranger.post(REFRESH, {"refresh_token": winner.data["refresh_token"]})).status == 200


@pytest.mark.parametrize("junk", ["x", "é", "A" * 94, "", 5, None])
async def test_junk_is_no_refresh_token(stranger: Any, junk: Any) -> None:
    answer = await stranger.post(REFRESH, {"refresh_token": junk})

    expected = (401, "invalid_refresh_token") if junk and isinstance(junk, str) else (422, "validation_error")
    assert (answer.status, answer.code) == expected


async def test_junk_that_names_a_session_does_not_end_it(ada: Any, stranger: Any) -> None:
    forged = ada.session.secret[:-4] + "AAAA"

    answer = await stranger.post(REFRESH, {"refresh_token": forged})

    assert answer.code == "invalid_refresh_token"
    assert (await stranger.post(REFRESH, {"refresh_token": ada.session.secret})).status == 200


async def test_access_token_is_no_refresh_token(ada: Any, stranger: Any) -> None:
    answer = await stranger.post(REFRESH, {"refresh_token": ada.token})

    assert answer.code == "invalid_refresh_token"


async def test_expired_session_is_not_refreshed(ada: Any, stranger: Any) -> None:
    await SessionRow.filter(id=ada.session.id).update(expires_at=datetime.now(UTC))

    answer = await stranger.post(REFRESH, {"refresh_token": ada.session.secret})

    assert answer.code == "invalid_refresh_token"
