"""What every page of one server shows: heading, tabs."""

from __future__ import annotations

from typing import Any

from muntin.call import Call
from muntin.pages.answers import Crumb, Page
from muntin.pages.slots import contents, key_of
from muntin.translation import _
from muntin_gameservers.models import ServerRow
from muntin_gameservers.pages.unreachable import away_nodes, shown_status
from muntin_gameservers.schemas import Server

LIVE = "/live"
TABS_SLOT = "gameservers.server.tabs"
TABS = (
    ("", _("Console"), "terminal-2", "control.console"),
    ("/startup", _("Startup"), "rocket", "startup.read"),
    ("/network", _("Network"), "network", "allocation.read"),
    ("/activity", _("Activity"), "history", "activity.read"),
    ("/settings", _("Settings"), "settings", "settings.rename"),
)


def address_of(server: Server) -> str:
    """What players type to join; empty without a port."""
    found = server.allocation
    if found is None:
        return ""
    host = found.alias or found.ip
    return f"[{host}]:{found.port}" if ":" in host else f"{host}:{found.port}"


def is_changeable(server: Server) -> bool:
    """Whether forms for its owner are open: not while it is suspended or moved."""
    return not server.is_suspended and server.status != "transferring"


def base_of(server: Server) -> str:
    """Where the pages of a server begin."""
    return f"/servers/{server.id}"


def tabs_of(call: Call, server: Server, tab: str) -> list[dict[str, Any]]:
    """The tabs the actor may open: ours, then those of other plugins."""
    base = base_of(server)
    own = [
        {"label": label, "path": base + path, "icon": icon, "current": path == tab}
        for path, label, icon, permission in TABS
        if not path or permission in server.permissions
    ]
    others = [(f"/more/{key_of(one)}", one.value.title) for one in contents(call, TABS_SLOT)]
    return own + [
        {"label": label, "path": base + path, "icon": "puzzle", "current": path == tab} for path, label in others
    ]


async def server_page(call: Call, server: Server, tab: str, template: str, *, status: int = 200, **values: Any) -> Page:
    """A page of a server with the given tab marked."""
    crumbs = (Crumb(label=_("Game servers"), path="/servers"), Crumb(label=server.name))
    shown = {
        "server": server,
        "tabs_of_server": tabs_of(call, server, tab),
        "base": base_of(server),
        "address": address_of(server),
        "status": shown_status(server, await away_nodes()),
        "reason": await _suspension_reason(server),
        "live_path": LIVE,
        "may_reinstall": "settings.reinstall" in server.permissions,
        **values,
    }
    return Page(f"gameservers/{template}", shown, title=server.name, crumbs=crumbs, status=status)


async def _suspension_reason(server: Server) -> str:
    """Why the server is suspended, as whoever did it wrote; the page's actor has been shown the server already."""
    if not server.is_suspended:
        return ""
    row = await ServerRow.get_or_none(id=server.id)
    return (row.suspension_reason or "") if row else ""
