"""The panel's pages as a dialect: browsers with a session cookie, forms, HTML for answers and errors."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import parse_qsl, quote

from quart import Request, Response

from muntin.access import Actor, TwoFactorRequired
from muntin.accounts.credentials import actor_of_cookie
from muntin.call import Call
from muntin.dialects import Dialect, validate
from muntin.errors import BadRequest, Forbidden, MuntinError, NotAuthenticated, UnsupportedMediaType
from muntin.limits import count_call
from muntin.pages.answers import Page, Redirect
from muntin.pages.csrf import is_genuine
from muntin.pages.notices import leave_notice
from muntin.pages.rendering import error_page, page_response
from muntin.routing import Route
from muntin.translation import _

MAX_FIELDS = 1000
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class PagesDialect(Dialect):
    """Everything no other dialect claims; a cookie authenticates, so changes need a same-origin proof."""

    name: ClassVar[str] = "pages"
    prefixes: ClassVar[tuple[str, ...]] = ("/",)
    order: ClassVar[int] = 1000

    async def authenticate(self, call: Call) -> Actor:
        return await actor_of_cookie(call)

    async def check_intent(self, call: Call) -> None:
        method = getattr(call.request, "method", "WS")
        if method not in SAFE and not await is_genuine(call, call.actor):
            raise Forbidden(_("This form is too old or came from another site; load the page again."))

    async def limit(self, call: Call) -> None:
        if not call.request.path.startswith("/static/"):
            count_call(call, bucket="pages", per_minute=600)

    async def parse_body(self, call: Call, route: Route, raw: bytes) -> Any:
        return validate(route.body, form_values(call, raw))

    async def render(self, call: Call, route: Route, result: Any) -> Response:
        if isinstance(result, Redirect):
            return redirect(call, result)
        if isinstance(result, Page):
            return await page_response(call, result, status=route.status)
        if result is not None:
            raise TypeError(f"{type(result).__name__} is neither Page nor Redirect nor a response")
        return Response(b"", status=204)

    async def render_error(self, call: Call, error: MuntinError) -> Response:
        if isinstance(error, NotAuthenticated) and _wants_page(call):
            return redirect(call, Redirect(f"/sign-in?next={quote(_here(call), safe='')}"))
        if isinstance(error, TwoFactorRequired) and _wants_page(call):
            return redirect(call, Redirect("/account/security"))
        return await error_page(call, error)


def form_values(call: Call, raw: bytes) -> dict[str, Any]:
    """The fields of a form; empty fields stay empty text.

    Several values of one name are a list; of a name that ends in `[]` one value is a list, too, and the brackets go.

    Raises:
        UnsupportedMediaType: It is no form.
        BadRequest: Too many fields, or not UTF-8.
    """
    request = call.request
    if raw and isinstance(request, Request) and request.mimetype != "application/x-www-form-urlencoded":
        raise UnsupportedMediaType(_("Send the body as a form."))
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise BadRequest(_("The form cannot be read.")) from error
    gathered: dict[str, list[str]] = {}
    for name, value in pairs:
        gathered.setdefault(name, []).append(value)
    gathered.pop("csrf_token", None)
    return {
        name.removesuffix("[]"): sent if name.endswith("[]") or len(sent) > 1 else sent[0]
        for name, sent in gathered.items()
    }


def redirect(call: Call, target: Redirect) -> Response:
    """Send the browser on; htmx is told by its own header, or it would put the page into a part of this one."""
    if call.request.headers.get("HX-Request"):
        response = Response(b"", status=200, headers={"HX-Redirect": target.path, "Cache-Control": "no-store"})
    else:
        response = Response(b"", status=303, headers={"Location": target.path, "Cache-Control": "no-store"})
    leave_notice(call, response, target)
    return response


def _wants_page(call: Call) -> bool:
    return isinstance(call.request, Request) and "text/html" in call.request.headers.get("Accept", "text/html")


def _here(call: Call) -> str:
    query = call.request.query_string.decode("latin-1")
    return call.request.path + (f"?{query}" if query else "")
