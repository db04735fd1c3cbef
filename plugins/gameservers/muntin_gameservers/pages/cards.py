"""What other pages show of game servers: dashboard, administrators' overview, set-up, search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from muntin.access import Actor
from muntin.nodes.models import NodeRow
from muntin.pages.rows import row
from muntin_gameservers.models import AllocationRow, EggRow, ServerRow
from muntin_gameservers.pages.unreachable import away_nodes, shown_status
from muntin_gameservers.pages.view import address_of, base_of
from muntin_gameservers.schemas import AdminServerQuery, ServerQuery
from muntin_gameservers.servers.listing import list_all_servers, list_servers

SHOWN = 60
FOUND = 8
ATTENTION = 6


async def load_cards(actor: Actor, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The actor's servers, by name."""
    page = await list_servers(actor, ServerQuery(per_page=SHOWN))
    away = await away_nodes()
    servers = [
        row(one, path=base_of(one), address=address_of(one), status=shown_status(one, away)) for one in page.items
    ]
    return {"servers": servers, "total": page.total, "may_create": actor.may("admin.servers.create")}


async def load_overview(actor: Actor, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """How many servers there are, and those that need somebody, or are on their way to another node."""
    failed = await list_all_servers(actor, AdminServerQuery(per_page=ATTENTION, status="install_failed"))
    moving = await list_all_servers(actor, AdminServerQuery(per_page=ATTENTION, status="transferring"))
    return {
        "moving": moving.items,
        "moving_total": moving.total,
        "total": await ServerRow.all().count(),
        "running": await ServerRow.filter(stage="ready", is_suspended=False, power="running").count(),
        "failed": failed.items,
        "failed_total": failed.total,
        "free_ports": await AllocationRow.filter(server_id=None).count(),
    }


async def load_ports(actor: Actor, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The ports of a node: how many there are, how many are free, where they are managed."""
    node_id = values["node"].id
    return {
        "ports": await AllocationRow.filter(node_id=node_id).count(),
        "free": await AllocationRow.filter(node_id=node_id, server_id=None).count(),
        "path": f"/admin/nodes/{node_id}/ports",
        "servers_path": f"/admin/servers?node={node_id}",
    }


async def load_setup(actor: Actor, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """What of egg, node, port and server is there already."""
    node = await NodeRow.all().order_by("created_at").first()
    return {
        "eggs": await EggRow.all().count(),
        "node": node,
        "ports": await AllocationRow.filter(server_id=None).count(),
        "servers": await ServerRow.all().count(),
    }


async def load_found(actor: Actor, values: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Servers whose name or id holds the text; for administrators, of all accounts."""
    text = str(values.get("text", ""))
    if not text or not actor.may("account.read"):
        return None
    if actor.may("admin.servers.list"):
        page = await list_all_servers(actor, AdminServerQuery(per_page=FOUND, search=text))
    else:
        page = await list_servers(actor, ServerQuery(per_page=FOUND, search=text))
    if not page.items:
        return None
    return {"servers": [row(one, path=base_of(one), address=address_of(one)) for one in page.items]}
