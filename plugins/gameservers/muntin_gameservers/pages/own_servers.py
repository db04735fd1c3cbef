"""One's own servers as a list."""

from __future__ import annotations

from muntin.access import Actor
from muntin.call import Call
from muntin.dialects import validate
from muntin.pages.answers import Page
from muntin.pages.rows import row
from muntin.pages.tables import view
from muntin.routing import Routes
from muntin.schemas import PageQuery
from muntin.translation import _
from muntin_gameservers.pages.unreachable import away_nodes, shown_status
from muntin_gameservers.pages.view import LIVE, address_of, base_of
from muntin_gameservers.schemas import ServerQuery
from muntin_gameservers.servers import listing

routes = Routes(dialect="pages", tags=("servers",))


class OwnServersQuery(PageQuery):
    """What the list's address says; an empty filter is none."""

    status: str = ""
    type: str = ""


@routes.get("/servers", query=OwnServersQuery, service=listing.list_servers)
async def list_servers(actor: Actor, call: Call, query: OwnServersQuery) -> Page:
    """The servers one owns or shares in."""
    wanted = validate(ServerQuery, query.model_dump() | {"type": query.type or "all"})
    page = await listing.list_servers(actor, wanted)
    away = await away_nodes()
    rows = [
        row(
            one,
            path=base_of(one),
            address=address_of(one),
            status=shown_status(one, away),
            live=f"server:{one.id}",
            usage=f"usage:{one.id}",
        )
        for one in page.items
    ]
    values = {
        "rows": rows,
        "view": view(call, page, sort="name"),
        "may_create": actor.may("admin.servers.create"),
        "live_path": LIVE,
    }
    return Page("gameservers/own.html", values, title=_("Game servers"))
