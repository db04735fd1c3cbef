"""Moving a server to another node: which one, with which ports; and breaking it off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from muntin.access import Actor
from muntin.call import Call
from muntin.pages import forms
from muntin.pages.answers import Crumb, Page, Redirect
from muntin.pages.submitting import Done, Problems, attempt, submit, typed
from muntin.routing import Routes
from muntin.translation import _
from muntin_gameservers.models import AllocationRow
from muntin_gameservers.pages.admin_servers import CRUMBS
from muntin_gameservers.pages.identifiers import identifier
from muntin_gameservers.pages.server_forms import MOST_CHOICES
from muntin_gameservers.schemas import Server, TransferIn
from muntin_gameservers.servers import listing
from muntin_gameservers.servers.transfers.ending import cancel_transfer
from muntin_gameservers.servers.transfers.ordering import start_transfer
from muntin_gameservers.servers.transfers.places import places_for

routes = Routes(dialect="pages", prefix="/admin/servers/<uuid:server_id>/transfer", tags=("servers",))
MANY = "additional_allocation_ids"


@routes.get("", service=places_for)
async def choose_place(actor: Actor, server_id: UUID, call: Call) -> Page:
    """The nodes; and for the one that the address names, its free ports."""
    return await _page(actor, server_id, {"node_id": call.request.args.get("node_id", "")}, Problems())


@routes.post("", service=start_transfer)
async def move_server(actor: Actor, server_id: UUID, call: Call) -> Page | Redirect:
    """Have the server moved."""
    sent = await typed(call)
    values = {name: sent[name] for name in ("node_id", "allocation_id") if sent.get(name)}
    values[MANY] = _listed(sent.get(MANY))
    done = await submit(call, TransferIn, lambda wanted: start_transfer(actor, server_id, wanted), values=values)
    if isinstance(done, Done):
        return Redirect(f"/admin/servers/{server_id}", notice=_("The server is being moved."))
    return await _page(actor, server_id, sent, done)


@routes.post("/cancel", service=cancel_transfer)
async def cancel(actor: Actor, server_id: UUID) -> Redirect:
    """Break the move off."""
    notice = _("The move is cancelled; the server stays where it is.")
    return await attempt(cancel_transfer(actor, server_id), back=f"/admin/servers/{server_id}", notice=notice)


async def _page(actor: Actor, server_id: UUID, sent: Mapping[str, Any], problems: Problems) -> Page:
    server = await listing.load_any_server(actor, server_id)
    places = await places_for(actor, server_id)
    wanted = identifier(sent.get("node_id"))
    chosen = next((one for one in places if one.node_id == wanted and not one.objection), None)
    values = {
        "server": server,
        "places": places,
        "chosen": chosen,
        "fields": await _fields(server, chosen.node_id, sent, problems) if chosen else [],
        "problems": problems,
        "path": f"/admin/servers/{server_id}/transfer",
        "back": f"/admin/servers/{server_id}",
    }
    crumbs = (*CRUMBS, Crumb(label=server.name, path=f"/admin/servers/{server_id}"), Crumb(label=_("Move")))
    title = _("Move {name}", name=server.name)
    return Page("gameservers/admin_transfer.html", values, title=title, crumbs=crumbs, status=problems.status)


async def _fields(server: Server, node_id: UUID, sent: Mapping[str, Any], problems: Problems) -> list[forms.Field]:
    """The ports; as long as nothing was sent, as many are chosen as the server has."""
    rows = await AllocationRow.filter(node_id=node_id, server_id=None).order_by("ip", "port").limit(MOST_CHOICES)
    options = [(str(row.id), f"{row.alias or row.ip}:{row.port}") for row in rows]
    has = await AllocationRow.filter(server_id=server.id, node_id=server.node_id).count()
    usual = [value for value, _label in options][:has]
    first: forms.Field = {
        "name": "allocation_id",
        "label": _("Port"),
        "kind": "select",
        "required": True,
        "options": options,
        "value": sent.get("allocation_id") or (usual[0] if usual else ""),
        "help": _("Players reach the server by it."),
        "errors": problems.fields.get("allocation_id", []),
    }
    if len(options) < 2:
        return [first]
    more: forms.Field = {
        "name": MANY,
        "label": _("Further ports"),
        "kind": "select",
        "multiple": True,
        "required": False,
        "options": options,
        "value": _listed(sent.get(MANY)) if problems.typed else usual[1:],
        "help": _("Choose several with Ctrl, or none."),
        "errors": problems.fields.get(MANY, []),
    }
    return [first, more]


def _listed(sent: str | Sequence[str] | None) -> list[str]:
    if not sent:
        return []
    return [sent] if isinstance(sent, str) else list(sent)
