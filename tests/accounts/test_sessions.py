"""Sessions: listed, ended one by one, ended with the password; the cookie of browsers."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from quart import Request
from werkzeug.datastructures import Headers

from muntin.access import Actor
from muntin.accounts import credentials
from muntin.accounts.models import AccountRow, SessionRow
from muntin.accounts.sessions import Device
from muntin.accounts.signing_in import sign_in
from muntin.call import Call

SESSIONS = "/api/v1/account/sessions"
ACCOUNT = "/api/v1/account"
PASSWORD = "correct horse battery"


async def test_sessions_are_listed_with_the_current_one_marked(ada: Any, people: Any) -> None:
    other = await people.sign_in("ada", address="203.0.113.7")

    listed = await ada.get(SESSIONS)

    row = await SessionRow.get(id=ada.session.id)
    assert listed.body["meta"] == {"current_page": 1, "per_page": 25, "total": 2, "total_pages": 1}
    assert [one["id"] for one in listed.data] == [str(other.session.id), str(ada.session.id)]
    assert listed.data[1] == {
        "id": str(ada.session.id),
        "ip": "198.51.100.1",
        "user_agent": "tests",
        "is_current": True,
        "created_at": row.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "last_active_at": row.last_active_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "expires_at": row.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    assert listed.data[0]["is_current"] is False


async def test_list_is_sorted_searched_and_shows_no_foreign_ones(ada: Any, people: Any) -> None:
    await people.sign_in("ada", address="203.0.113.7")
    await people.sign_in("eve", address="203.0.113.8")

    assert [one["ip"] for one in (await ada.get(f"{SESSIONS}?sort=ip")).data] == ["198.51.100.1", "203.0.113.7"]
    assert [one["ip"] for one in (await ada.get(f"{SESSIONS}?search=203.0")).data] == ["203.0.113.7"]
    assert (await ada.get(f"{SESSIONS}?sort=secret_hash")).status == 400


async def test_ended_session_loses_access_and_refresh_at_once(ada: Any, people: Any, stranger: Any) -> None:
    other = await people.sign_in("ada", address="203.0.113.7")
    assert (await other.get(ACCOUNT)).status == 200

    ended = await ada.delete(f"{SESSIONS}/{other.session.id}")

    assert (ended.status, ended.body) == (204, None)
    assert (await other.get(ACCOUNT)).status == 401
    refreshed = await stranger.post("/api/v1/auth/refresh", {"refresh_token": other.session.secret})
    assert refreshed.code == "invalid_refresh_token"
    assert (await ada.get(ACCOUNT)).status == 200


async def test_own_session_may_be_ended(ada: Any) -> None:
    assert (await ada.delete(f"{SESSIONS}/{ada.session.id}")).status == 204
    assert (await ada.get(ACCOUNT)).status == 401


async def test_foreign_session_does_not_exist(ada: Any, people: Any) -> None:
    eve = await people.sign_in("eve")

    answer = await eve.delete(f"{SESSIONS}/{ada.session.id}")

    assert (answer.status, answer.code) == (404, "not_found")
    assert (await ada.get(ACCOUNT)).status == 200


async def test_all_others_are_ended(ada: Any, people: Any) -> None:
    others = [await people.sign_in("ada") for _index in range(3)]
    eve = await people.sign_in("eve")

    ended = await ada.delete(SESSIONS)

    assert ended.status == 204
    assert [(await one.get(ACCOUNT)).status for one in others] == [401, 401, 401]
    assert [(await one.get(ACCOUNT)).status for one in (ada, eve)] == [200, 200]


@pytest.mark.parametrize(("everywhere", "left"), [(False, 1), (True, 0)])
async def test_sign_out_ends_this_session_or_all(ada: Any, people: Any, everywhere: bool, left: int) -> None:
    await people.sign_in("ada")

    answer = await ada.post("/api/v1/auth/logout", {"all": everywhere})

    assert (answer.status, answer.body) == (204, None)
    assert await SessionRow.all().count() == left
    assert (await ada.get(ACCOUNT)).status == 401


async def test_sign_out_needs_somebody_who_is_signed_in(stranger: Any) -> None:
    answer = await stranger.post("/api/v1/auth/logout")

    assert (answer.status, answer.code) == (401, "unauthorized")


async def test_suspension_ends_access_although_the_token_is_still_good(ada: Any) -> None:
    await AccountRow.filter(id=ada.account.id).update(status="suspended")
    credentials.forget_everything()

    assert (await ada.get(ACCOUNT)).status == 401


# Cookies


def call_with(app: Any, cookie: str = "", *, secure: bool = False, address: str = "198.51.100.1") -> Call:
    headers = Headers({"Cookie": cookie, "Remote-Addr": address} if cookie else {"Remote-Addr": address})
    scheme = "https" if secure else "http"
    scope: Any = {"client": (address, 1), "type": "http", "extensions": {}}
    request = Request("GET", scheme, "/", b"", headers, "/", "1.1", scope, send_push_promise=_push_nothing)
    return Call.of(request, ())


async def _push_nothing(_path: str, _headers: Headers) -> None:
    """No push in tests."""


async def _signed_in(app: Any, *, secure: bool = False, remember: bool = False) -> str:
    """Sign in as a browser does; the Set-Cookie header."""
    call = call_with(app, secure=secure)
    device = Device(kind="web", remember=remember)
    opened: Any = await sign_in(call.actor, login="ada", password=PASSWORD, device=device)
    credentials.sign_in_cookie(call, opened)
    return call.response_headers["Set-Cookie"]


async def test_cookie_over_tls_is_bound_to_the_host(app: Any, people: Any) -> None:
    await people.add("ada")

    header = await _signed_in(app, secure=True)

    assert re.fullmatch(r"__Host-muntin=[\w-]{43}; Secure; HttpOnly; Path=/; SameSite=Lax", header)
    actor = await credentials.actor_of_cookie(call_with(app, header.split(";")[0], secure=True))
    assert (actor.kind, actor.username) == ("account", "ada")


async def test_cookie_without_tls_has_a_plain_name(app: Any, people: Any) -> None:
    await people.add("ada")

    header = await _signed_in(app)

    assert re.fullmatch(r"muntin=[\w-]{43}; HttpOnly; Path=/; SameSite=Lax", header)


async def test_remembered_cookie_outlives_the_browser(app: Any, people: Any) -> None:
    await people.add("ada")

    header = await _signed_in(app, remember=True)

    assert "; Max-Age=604800;" in header


async def test_cookie_is_kept_as_digest_and_is_no_bearer_token(app: Any, people: Any) -> None:
    await people.add("ada")
    secret = (await _signed_in(app)).split(";")[0].removeprefix("muntin=")

    row = await SessionRow.get()
    as_bearer = await people.program(secret).get(ACCOUNT)

    assert row.kind == "web"
    assert secret not in str(vars(row))
    assert as_bearer.status == 401


async def test_access_token_is_no_cookie(app: Any, ada: Any) -> None:
    actor = await credentials.actor_of_cookie(call_with(app, f"muntin={ada.token}"))
    refresh = await credentials.actor_of_cookie(call_with(app, f"muntin={ada.session.secret}"))

    assert (actor.kind, refresh.kind) == ("anonymous", "anonymous")


async def test_no_cookie_is_anonymous(app: Any) -> None:
    assert await credentials.actor_of_cookie(call_with(app)) == Actor.anonymous("198.51.100.1")


async def test_idle_session_is_over_unless_remembered(app: Any, people: Any, change_settings: Any) -> None:
    await people.add("ada")
    await change_settings("security", session_timeout_minutes=30)
    plain = (await _signed_in(app)).split(";")[0]
    remembered = (await _signed_in(app, remember=True)).split(";")[0]
    await SessionRow.all().update(last_active_at=datetime.now(UTC) - timedelta(minutes=31))

    actors = [await credentials.actor_of_cookie(call_with(app, cookie)) for cookie in (plain, remembered)]

    assert [actor.kind for actor in actors] == ["anonymous", "account"]


async def test_use_keeps_a_session_alive(app: Any, people: Any) -> None:
    await people.add("ada")
    cookie = (await _signed_in(app)).split(";")[0]
    await SessionRow.all().update(last_active_at=datetime.now(UTC) - timedelta(minutes=5))

    await credentials.actor_of_cookie(call_with(app, cookie, address="203.0.113.7"))

    row = await SessionRow.get()
    assert row.ip == "203.0.113.7"
    assert datetime.now(UTC) - row.last_active_at < timedelta(minutes=1)


async def test_sign_out_takes_the_cookie_away(app: Any, people: Any) -> None:
    call = call_with(app, secure=True)

    credentials.sign_out_cookie(call)

    cookie = call.response_headers["Set-Cookie"]
    assert cookie.startswith("__Host-muntin=; ")
    assert "Max-Age=0" in cookie
