"""The cookie by which a browser proves its session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.http import dump_cookie

if TYPE_CHECKING:
    from muntin.accounts.sessions import OpenedSession
    from muntin.call import Call


def cookie_name(call: Call) -> str:
    """`__Host-` binds the cookie to this host and to TLS; browsers take the prefix over TLS only."""
    return "__Host-muntin" if call.secure else "muntin"


def cookie_of(call: Call) -> str | None:
    """The session's secret, if the browser sent one."""
    return call.request.cookies.get(cookie_name(call))


def sign_in_cookie(call: Call, session: OpenedSession) -> None:
    """Give the browser the session that was just opened; without `remember` it lasts until the browser closes."""
    _set(call, session.secret, session.lifetime_s if session.remember else None)


def sign_out_cookie(call: Call) -> None:
    """Take the cookie from the browser."""
    _set(call, "", 0)


def _set(call: Call, value: str, max_age_s: int | None) -> None:
    call.response_headers["Set-Cookie"] = dump_cookie(
        cookie_name(call), value, max_age=max_age_s, path="/", secure=call.secure, httponly=True, samesite="Lax"
    )
