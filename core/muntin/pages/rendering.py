"""From a page to HTML: the layout's values, the headers that keep it safe."""

from __future__ import annotations

from typing import Any

from quart import Response

from muntin.access import Actor, Permission, PermissionMissing
from muntin.accounts.models import AccountRow
from muntin.call import Call
from muntin.contributions import NavItem
from muntin.errors import InvalidInput, MuntinError
from muntin.pages.answers import Page
from muntin.pages.csp import new_nonce, page_headers
from muntin.pages.csrf import csrf_token
from muntin.pages.live_memory import now_ms
from muntin.pages.notices import forget_notice, left_notices
from muntin.runtime import panel
from muntin.settings import section
from muntin.settings.sections import GeneralSettings
from muntin.translation import _


async def page_response(call: Call, page: Page, *, status: int = 200) -> Response:
    """The page as an answer."""
    nonce = new_nonce()
    values = {**await layout_values(call, nonce), "title": page.title, "crumbs": page.crumbs, **page.values}
    if page.help_path:
        values["help_path"] = page.help_path
    html = await panel().templates.render(page.template, values)
    headers = {**page_headers(nonce), "Cache-Control": "no-store"}
    response = Response(html, status=page.status or status, headers=headers, content_type="text/html; charset=utf-8")
    forget_notice(call, response)
    return response


async def error_page(call: Call, error: MuntinError) -> Response:
    """An expected failure as a page, in the same words the API uses."""
    values: dict[str, Any] = {"status": error.status, "message": _reasons(error)}
    title = error.message
    if isinstance(error, PermissionMissing):
        title, values["permission"] = _("You may not do this."), _permission(error.permission)
    if error.status >= 500:
        values["request_id"] = call.request_id
        if call.request.method == "GET":
            values["retry_path"] = call.request.full_path.rstrip("?")
    return await page_response(call, Page("error.html", values, title=title), status=error.status)


def _permission(key: str) -> dict[str, str]:
    """What the permission allows, in the words of whoever declared it."""
    words = [one.description for one in panel().registry.of(Permission) if one.key == key]
    return {"key": key, "description": words[0] if words else ""}


def _reasons(error: MuntinError) -> str:
    """The messages of wrong fields; what else an error says is its title already."""
    return (
        " ".join(message for messages in error.fields.values() for message in messages)
        if isinstance(error, InvalidInput)
        else ""
    )


async def layout_values(call: Call, nonce: str) -> dict[str, Any]:
    """What every page's layout is given."""
    general = section(GeneralSettings)
    return {
        "account": await _account(call.actor),
        "account_menu": _menu(call),
        "brand": general.name,
        "csp_nonce": nonce,
        "csrf_token": csrf_token(call),
        "language": general.language,
        "live_path": "",
        "made_at_ms": now_ms(),
        "nav": navigation(call),
        "may": call.actor.may,
        "notices": left_notices(call),
        "search_path": "/search" if call.actor.account_id else "",
        "sign_out_path": "/sign-out",
    }


async def _account(actor: Actor) -> dict[str, Any] | None:
    """Who is signed in, as the account menu shows them."""
    if actor.account_id is None:
        return None
    row = await AccountRow.get(id=actor.account_id).select_related("role")
    full = " ".join(filter(None, (row.first_name, row.last_name)))
    return {"name": full or row.username, "email": row.email, "role": row.role.name, "time_zone": row.timezone}


def _menu(call: Call) -> list[dict[str, Any]]:
    return [{"label": one.label, "path": one.path, "icon": one.icon} for one in _items(call, "account")]


def navigation(call: Call) -> list[dict[str, Any]]:
    """The side bar: sections with the entries that the actor may see, the current one marked."""
    path = call.request.path
    found = []
    for name, label in (("main", ""), ("admin", _("Administration"))):
        items = _items(call, name)
        current = max((one.path for one in items if _leads_to(one.path, path)), key=len, default=None)
        entries = [
            {"label": one.label, "path": one.path, "icon": one.icon, "current": one.path == current} for one in items
        ]
        if entries:
            found.append({"label": label, "entries": entries})
    return found


def _leads_to(item_path: str, path: str) -> bool:
    return path == item_path or (item_path not in ("/", "/admin") and path.startswith(f"{item_path}/"))


def _items(call: Call, name: str) -> list[NavItem]:
    if call.actor.account_id is None:
        return []
    items = [one for one in panel().registry.of(NavItem) if one.section == name]
    seen = [one for one in items if one.permission is None or call.actor.may(one.permission)]
    return sorted(seen, key=lambda one: (one.order, one.label))
