"""All servers as a list, for administrators."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from quart import Request

from muntin.access import Actor, require
from muntin.accounts.models import AccountRow
from muntin.call import Call
from muntin.nodes.models import NodeRow
from muntin.pages.answers import Crumb, Page, Redirect
from muntin.pages.rows import options, row
from muntin.pages.submitting import attempt
from muntin.pages.tables import view
from muntin.routing import Routes
from muntin.schemas import PageQuery
from muntin.translation import _
from muntin_gameservers.pages.identifiers import identifier
from muntin_gameservers.pages.unreachable import away_nodes, shown_status
from muntin_gameservers.pages.view import LIVE, address_of
from muntin_gameservers.schemas import AdminServerQuery, Server
from muntin_gameservers.servers import changes, listing

routes = Routes(dialect="pages", prefix="/admin/servers", tags=("servers",))
CRUMBS = (Crumb(label=_("Administration"), path="/admin"), Crumb(label=_("Servers"), path="/admin/servers"))
MOST_AT_ONCE = 100


class ServersQuery(PageQuery):
    """What the list's address says; an empty filter is none."""

    status: str = ""
    node: str = ""


@routes.get("", query=ServersQuery, service=listing.list_all_servers)
async def list_servers(actor: Actor, call: Call, query: ServersQuery) -> Page:
    """Every server."""
    wanted = query.model_dump(exclude={"node"}) | {"node_id": identifier(query.node)}
    page = await listing.list_all_servers(actor, AdminServerQuery.model_validate(wanted))
    nodes = dict(await NodeRow.all().order_by("name").values_list("id", "name"))
    owners = dict(await AccountRow.filter(id__in={one.user_id for one in page.items}).values_list("id", "username"))
    away = await away_nodes()
    values = {
        "rows": [_row(one, owners, nodes, status=shown_status(one, away)) for one in page.items],
        "nodes": options(nodes),
        "view": view(call, page, sort="name"),
        "live_path": LIVE,
    }
    return Page(
        "gameservers/admin_servers.html", values, title=_("Servers"), crumbs=(CRUMBS[0], Crumb(label=_("Servers")))
    )


def _row(one: Server, owners: dict[UUID, str], nodes: dict[UUID, str], *, status: str) -> dict[str, Any]:
    return row(
        one,
        path=f"/admin/servers/{one.id}",
        address=address_of(one),
        owner=owners.get(one.user_id, ""),
        node=nodes.get(one.node_id, ""),
        status=status,
        live=f"server:{one.id}",
    )


@routes.post("/suspend", service=changes.suspend_server)
async def suspend_chosen(actor: Actor, call: Call) -> Redirect:
    """Suspend the chosen servers."""
    require(actor, "admin.servers.suspend")
    chosen = await _chosen(call)

    async def act() -> None:
        for server_id in chosen:
            await changes.suspend_server(actor, server_id)

    notice = _("{number} servers are suspended.", number=len(chosen))
    return await attempt(act(), back="/admin/servers", notice=notice)


@routes.post("/unsuspend", service=changes.unsuspend_server)
async def unsuspend_chosen(actor: Actor, call: Call) -> Redirect:
    """Lift the suspension of the chosen servers."""
    require(actor, "admin.servers.suspend")
    chosen = await _chosen(call)

    async def act() -> None:
        for server_id in chosen:
            await changes.unsuspend_server(actor, server_id)

    notice = _("{number} servers may be used again.", number=len(chosen))
    return await attempt(act(), back="/admin/servers", notice=notice)


async def _chosen(call: Call) -> list[UUID]:
    """The rows whose boxes were ticked; what is no id is nobody's."""
    assert isinstance(call.request, Request)  # noqa: S101 - websockets have no body
    raw = await call.request.get_data(as_text=False)
    text = raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
    sent = parse_qs(text, max_num_fields=1000).get("ids", [])
    return [one for one in map(identifier, dict.fromkeys(sent)) if one][:MOST_AT_ONCE]
