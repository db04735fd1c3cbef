"""`/auth`: signing in, by second factor too, registering, links from mails."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp

from muntin.accounts.models import AccountRow
from muntin.accounts.second_factor import lock_secret
from muntin.encryption import decrypt
from muntin.mail.models import MailRow
from muntin.testing.callers import PASSWORD, Caller

from ..rows import Given, Row, Values
from ..things import a_user, an_account, nobody
from ..world import World

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
WRONG = "000000"
LOGIN, SECOND = "POST /auth/login", "POST /auth/login/2fa"


def as_nobody(given: Given) -> Given:
    """The same, asked for without a token."""

    async def both(world: World) -> Values:
        return {"by": world.stranger(), **await given(world)}

    return both


def credentials(it: Values) -> dict[str, Any]:
    """The right ones."""
    return {"email": it["email"], "password": PASSWORD}


async def protected_account(world: World) -> dict[str, Any]:
    """Somebody with a second factor."""
    row = await world.people.add(f"protected{world.number()}")
    await AccountRow.filter(id=row.id).update(two_factor_secret=lock_secret(row.id, SECRET))
    return {"email": row.email, "by": world.stranger()}


async def challenge(caller: Caller, email: str) -> str:
    """The token with which the second factor is asked for."""
    answer = await caller.post("/api/v1/auth/login", {"email": email, "password": PASSWORD})
    return str(answer.data["challenge_token"])


async def half_signed_in(world: World) -> dict[str, Any]:
    """Somebody whose password was accepted."""
    it = await protected_account(world)
    return {**it, "challenge": await challenge(it["by"], it["email"])}


async def worn_out_challenge(world: World) -> Values:
    """A challenge that was answered wrong five times."""
    it = await half_signed_in(world)
    for _try in range(5):
        await it["by"].post("/api/v1/auth/login/2fa", {"challenge_token": it["challenge"], "code": WRONG})
    return it


async def locked_second_factor(world: World) -> Values:
    """Somebody whose codes were guessed at from many addresses."""
    await world.set("security", max_failed_attempts=3)
    it = await protected_account(world)
    for _try in range(7):
        caller = world.stranger()
        token = await challenge(caller, it["email"])
        await caller.post("/api/v1/auth/login/2fa", {"challenge_token": token, "code": WRONG})
    return {**it, "challenge": await challenge(it["by"], it["email"])}


async def locked_out(world: World) -> Values:
    """Somebody who gave wrong passwords."""
    await world.set("security", max_failed_attempts=3)
    it = {**await an_account()(world), "by": world.stranger()}
    for _try in range(3):
        await it["by"].post("/api/v1/auth/login", {"email": it["email"], "password": "wrong"})
    return it


async def a_refresh_token(world: World) -> Values:
    """Tokens of somebody who has just signed in."""
    it = {**await an_account()(world), "by": world.stranger()}
    signed_in = await it["by"].post("/api/v1/auth/login", credentials(it))
    return {**it, "token": signed_in.data["refresh_token"]}


async def open_registration(world: World) -> Values:
    """Anybody may register."""
    await world.set("security", registration_enabled=True)
    return {"by": world.stranger(), "name": f"newcomer{world.number()}"}


async def registration_with_mail(world: World) -> Values:
    """Anybody may register and has to confirm the address."""
    await world.set("security", registration_enabled=True, email_verification=True)
    return {"by": world.stranger(), "name": f"newcomer{world.number()}"}


async def taken_name(world: World) -> Values:
    """A name that somebody has."""
    it = await open_registration(world)
    return {**it, "name": (await world.people.add(str(it["name"]))).username}


async def mailed(address: str) -> str:
    """The token in the last mail to an address."""
    row = await MailRow.filter(to_address=address).order_by("-created_at", "-id").first()
    assert row is not None and row.values is not None
    url = str(json.loads(decrypt(row.values, f"mail:{row.id}"))["url"])
    return parse_qs(urlsplit(url).query)["token"][0]


async def a_reset_link(world: World) -> Values:
    """A link for a new password."""
    it = {**await an_account()(world), "by": world.stranger()}
    await it["by"].post("/api/v1/auth/forgot-password", {"email": it["email"]})
    return {**it, "token": await mailed(it["email"])}


async def an_unconfirmed_address(world: World) -> Values:
    """Somebody who has registered and was sent a mail."""
    it = await registration_with_mail(world)
    await it["by"].post("/api/v1/auth/register", newcomer(it))
    return {**it, "token": await mailed(f"{it['name']}@example.com")}


def newcomer(it: Values) -> dict[str, Any]:
    """Whoever registers."""
    return {"email": f"{it['name']}@example.com", "username": it["name"], "password": PASSWORD, "first_name": "Grace"}


def code(it: Values, given: str = "") -> dict[str, Any]:
    """An answer to the challenge, the right one unless another is given."""
    return {"challenge_token": it["challenge"], "code": given or pyotp.TOTP(SECRET).now()}


ROWS = [
    Row(LOGIN, 200, body=credentials, given=as_nobody(an_account())),
    Row(LOGIN, 200, body=credentials, given=protected_account),
    Row(LOGIN, 401, "invalid_credentials", {"email": "nobody@example.com", "password": "wrong"}, nobody),
    Row(LOGIN, 403, "account_suspended", credentials, as_nobody(an_account(status="suspended"))),
    Row(LOGIN, 403, "email_not_verified", credentials, as_nobody(an_account(status="pending", verified=False))),
    Row(LOGIN, 423, "account_locked", credentials, locked_out),
    Row(SECOND, 200, body=code, given=half_signed_in),
    Row(SECOND, 401, "invalid_code", lambda it: code(it, WRONG), half_signed_in),
    Row(SECOND, 401, "challenge_expired", code, worn_out_challenge),
    Row(SECOND, 423, "account_locked", code, locked_second_factor),
    Row("POST /auth/refresh", 200, body=lambda it: {"refresh_token": it["token"]}, given=a_refresh_token),
    Row("POST /auth/refresh", 401, "invalid_refresh_token", {"refresh_token": "junk"}, nobody),
    Row("POST /auth/register", 201, body=newcomer, given=open_registration),
    Row("POST /auth/register", 201, body=newcomer, given=registration_with_mail),
    Row("POST /auth/register", 403, "registration_disabled", newcomer({"name": "early"}), nobody),
    Row("POST /auth/register", 409, "conflict", newcomer, taken_name),
    Row("POST /auth/logout", 204, body={}, given=a_user),
    Row("POST /auth/forgot-password", 200, body=lambda it: {"email": it["email"]}, given=as_nobody(an_account())),
    Row("POST /auth/forgot-password", 200, body={"email": "nobody@example.com"}, given=nobody),
    Row("POST /auth/reset-password", 200, given=a_reset_link,
        body=lambda it: {"token": it["token"], "email": it["email"], "password": "another password"}),
    Row("POST /auth/reset-password", 422, "token_invalid", given=nobody,
        body={"token": "junk", "email": "nobody@example.com", "password": "another password"}),
    Row("POST /auth/verify-email", 200, body=lambda it: {"token": it["token"]}, given=an_unconfirmed_address),
    Row("POST /auth/verify-email", 422, "token_invalid", {"token": "junk"}, nobody),
    Row("POST /auth/resend-verification", 200, body={"email": "nobody@example.com"}, given=nobody),
]  # fmt: skip
