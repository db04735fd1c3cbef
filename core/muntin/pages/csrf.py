"""The proof that a form came from the panel's own page."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urlsplit

from quart import Request, Websocket

from muntin.access import Actor
from muntin.accounts.cookies import cookie_of
from muntin.call import Call
from muntin.errors import PayloadTooLarge
from muntin.pages.multipart import MIMETYPE, PROOF_FIELD, parse_multipart
from muntin.runtime import panel
from muntin.signing import derive_key, encode_bytes, equal, sign

HEADER = "X-CSRF-Token"
MAX_FORM_BYTES = 1024 * 1024
MAX_UPLOAD_BYTES = 8 * 1024 * 1024
"""Of a form with files whose proof is among its fields, unless its route says otherwise."""


def csrf_token(call: Call) -> str:
    """The token of this browser's session; for strangers, of nobody's."""
    return _token(call, panel().configuration.key)


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
    sent = await _sent(call)
    return any(equal(sent, _token(call, root)) for root in panel().configuration.keys)


def _token(call: Call, root: bytes) -> str:
    return encode_bytes(sign(derive_key(root, "pages.csrf"), (cookie_of(call) or "").encode()))


async def _sent(call: Call) -> str:
    request = call.request
    sent = request.headers.get(HEADER)
    if sent is not None or not isinstance(request, Request):
        return sent or ""
    has_files = request.mimetype == MIMETYPE
    own_limit = call.route.max_body_bytes if call.route else None
    limit_bytes = own_limit or (MAX_UPLOAD_BYTES if has_files else MAX_FORM_BYTES)
    if (request.content_length or 0) > limit_bytes:
        raise PayloadTooLarge(limit_bytes=limit_bytes)
    body = await request.get_data(as_text=False)
    raw = body.encode() if isinstance(body, str) else body
    if has_files:
        fields, _files = await asyncio.to_thread(parse_multipart, raw, request.mimetype_params)
        return fields.get(PROOF_FIELD, "")
    return parse_qs(raw.decode("utf-8", "replace"), keep_blank_values=True).get(PROOF_FIELD, [""])[0]
