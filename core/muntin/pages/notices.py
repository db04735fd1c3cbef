"""What a page says once after a redirect: kept in a short-lived signed cookie, so that no link can put words there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import orjson
from quart import Response
from werkzeug.http import dump_cookie

from muntin.accounts.cookies import cookie_of
from muntin.call import Call
from muntin.pages.answers import Redirect
from muntin.runtime import panel
from muntin.signing import decode_bytes, derive_key, encode_bytes, is_signed, sign
from muntin.translation import _

COOKIE = "muntin-notice"
LASTS_S = 60
MAX_TEXT = 500


def known_notices() -> Mapping[str, str]:
    """Short keys for what many pages say."""
    return {
        "added": _("Added."),
        "cancelled": _("Cancelled."),
        "changed": _("Changed."),
        "created": _("Created."),
        "deleted": _("Deleted."),
        "done": _("Done."),
        "removed": _("Removed."),
        "saved": _("Saved."),
        "sent": _("Sent."),
        "started": _("It was started."),
    }


def leave_notice(call: Call, response: Response, target: Redirect) -> None:
    """Have the next page of this browser say what the redirect says; nothing is left when it says nothing."""
    if not target.notice:
        return
    text = known_notices().get(target.notice, target.notice)[:MAX_TEXT]
    payload = orjson.dumps({"kind": target.kind, "text": text, "until": int(time.time()) + LASTS_S})
    _set(call, response, f"{encode_bytes(payload)}.{encode_bytes(sign(_key(), _message(call, payload)))}", LASTS_S)


def left_notices(call: Call) -> list[dict[str, Any]]:
    """What the page before left for this one: `[{kind, text}]`, at most one; nothing that somebody else signed."""
    payload, _dot, signature = call.request.cookies.get(COOKIE, "").partition(".")
    try:
        message, proof = decode_bytes(payload), decode_bytes(signature)
    except ValueError:
        return []
    if not message or not is_signed(_key(), _message(call, message), proof):
        return []
    said = orjson.loads(message)
    return [{"kind": said["kind"], "text": said["text"]}] if said["until"] >= time.time() else []


def forget_notice(call: Call, response: Response) -> None:
    """Take the cookie back once its notice was shown."""
    if COOKIE in call.request.cookies:
        _set(call, response, "", 0)


def _key() -> bytes:
    return derive_key(panel().configuration.key, "pages.notice")


def _message(call: Call, payload: bytes) -> bytes:
    """Bound to the session, so that a notice is good for one browser only."""
    return (cookie_of(call) or "").encode() + b"\0" + payload


def _set(call: Call, response: Response, value: str, max_age_s: int) -> None:
    cookie = dump_cookie(COOKIE, value, max_age=max_age_s, path="/", secure=call.secure, httponly=True, samesite="Lax")
    response.headers.add("Set-Cookie", cookie)
