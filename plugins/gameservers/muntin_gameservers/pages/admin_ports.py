"""Addresses and ports of a node."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from muntin.access import Actor, require
from muntin.call import Call
from muntin.nodes.service import load_node
from muntin.pages import forms
from muntin.pages.answers import Crumb, Page, Redirect
from muntin.pages.rows import row
from muntin.pages.submitting import Done, Problems, attempt, submit, typed
from muntin.pages.tables import view
from muntin.routing import Routes
from muntin.schemas import PageQuery
from muntin.translation import _
from muntin_gameservers.allocations import nodes as allocations
from muntin_gameservers.allocations.schemas import AllocationsIn, NodeAllocationQuery
from muntin_gameservers.models import AllocationRow, ServerRow

routes = Routes(dialect="pages", prefix="/admin/nodes/<uuid:node_id>/ports", tags=("allocations",))
ASSIGNED = {"free": False, "used": True}
LABELS: dict[str, forms.Field] = {
    "ip": {
        "label": _("Address"),
        "placeholder": "203.0.113.5",
        "help": _("Of this machine, or a network such as 203.0.113.0/28."),
    },
    "ports": {
        "label": _("Ports"),
        "kind": "tags",
        "placeholder": "25565, 27015-27030",
        "help": _("Ports and ranges; at most 1000 at once."),
    },
    "alias": {
        "label": _("Name players see"),
        "placeholder": "play.example.org",
        "help": _("Shown instead of the address."),
    },
}


class PortsQuery(PageQuery):
    """What the list's address says; an empty filter is none."""

    use: str = ""


@routes.get("", query=PortsQuery, service=allocations.list_node_allocations)
async def list_ports(actor: Actor, node_id: UUID, call: Call, query: PortsQuery) -> Page:
    """Every port of the node."""
    return await _page(actor, node_id, call, query, Problems())


@routes.post("", service=allocations.create_allocations)
async def add_ports(actor: Actor, node_id: UUID, call: Call) -> Page | Redirect:
    """Add ports."""
    require(actor, "admin.nodes.update")
    sent = await typed(call)
    values: dict[str, Any] = {
        "ip": sent.get("ip", ""),
        "ports": [part.strip() for part in str(sent.get("ports", "")).split(",") if part.strip()],
        "alias": sent.get("alias") or None,
    }
    done = await submit(
        call, AllocationsIn, lambda wanted: allocations.create_allocations(actor, node_id, wanted), values=values
    )
    if isinstance(done, Done):
        return Redirect(_path(node_id), notice=_("{number} ports are added.", number=len(done.value)))
    return await _page(actor, node_id, call, PortsQuery(), done)


@routes.post("/<uuid:allocation_id>/delete", service=allocations.delete_allocation)
async def delete_port(actor: Actor, node_id: UUID, allocation_id: UUID) -> Redirect:
    """Remove a port that no server has."""
    work = allocations.delete_allocation(actor, node_id, allocation_id)
    return await attempt(work, back=_path(node_id), notice="removed")


def _path(node_id: UUID) -> str:
    return f"/admin/nodes/{node_id}/ports"


async def _page(actor: Actor, node_id: UUID, call: Call, query: PortsQuery, problems: Problems) -> Page:
    node = await load_node(actor, node_id)
    wanted = NodeAllocationQuery(**query.model_dump(exclude={"use"}), assigned=ASSIGNED.get(query.use))
    page = await allocations.list_node_allocations(actor, node_id, wanted)
    names = dict(await ServerRow.filter(node_id=node_id).values_list("id", "name"))
    fields = forms.fields(AllocationsIn, problems.typed, errors=problems.fields, more=LABELS)
    crumbs = (
        Crumb(label=_("Administration"), path="/admin"),
        Crumb(label=_("Nodes"), path="/admin/nodes"),
        Crumb(label=node.name, path=f"/admin/nodes/{node_id}"),
        Crumb(label=_("Ports")),
    )
    values = {
        "node": node,
        "base": _path(node_id),
        "rows": [row(one, server=names.get(one.server_id, "") if one.server_id else "") for one in page.items],
        "view": view(call, page, sort="ip"),
        "fields": fields,
        "problems": problems,
        "may_change": actor.may("admin.nodes.update"),
        "free": await AllocationRow.filter(node_id=node_id, server_id=None).count(),
    }
    title = _("Ports of {node}", node=node.name)
    return Page("gameservers/admin_ports.html", values, title=title, crumbs=crumbs, status=problems.status)
