"""The proof that a form came from the panel's own page."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from quart import Request, Websocket

from muntin.access import Actor
from muntin.accounts.cookies import cookie_of
from muntin.call import Call
from muntin.runtime import panel
from muntin.signing import derive_key, encode_bytes, equal, sign

HEADER = "X-CSRF-Token"
FIELD = "csrf_token"
MAX_FORM_BYTES = 1024 * 1024


def csrf_token(call: Call) -> str:
    """The token of this browser's session; for strangers, of nobody's."""
    key = derive_key(panel().configuration.key, "pages.csrf")
    return encode_bytes(sign(key, (cookie_of(call) or "").encode()))


async def is_genuine(call: Call, actor: Actor) -> bool:
    """Whether a change was asked for by a page of this panel.

    The browser says where a request comes from (`Sec-Fetch-Site`, `Origin`); forms carry a token besides.
    """
    request = call.request
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    if origin and urlsplit(origin).netloc != request.host:
        return False
    if isinstance(request, Websocket):
        return bool(origin)  # a socket cannot carry a token; browsers always say where it was opened
    return equal(await _sent(call), csrf_token(call))


async def _sent(call: Call) -> str:
    request = call.request
    sent = request.headers.get(HEADER)
    if sent is not None or not isinstance(request, Request):
        return sent or ""
    if (request.content_length or 0) > MAX_FORM_BYTES:
        return ""
    body = await request.get_data(as_text=False)
    text = body if isinstance(body, str) else body.decode("utf-8", "replace")
    return parse_qs(text, keep_blank_values=True).get(FIELD, [""])[0]
