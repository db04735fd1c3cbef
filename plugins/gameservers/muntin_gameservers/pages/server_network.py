"""Addresses and ports of a server."""

from __future__ import annotations

from uuid import UUID

from muntin.access import Actor
from muntin.call import Call
from muntin.pages.answers import Page, Redirect
from muntin.pages.rows import row
from muntin.pages.submitting import attempt, typed
from muntin.pages.tables import view
from muntin.routing import Routes
from muntin.schemas import PageQuery
from muntin.translation import _
from muntin_gameservers.allocations import service as allocations
from muntin_gameservers.allocations.schemas import AllocationChanges
from muntin_gameservers.pages.view import is_changeable, server_page
from muntin_gameservers.servers import listing

routes = Routes(dialect="pages", prefix="/servers/<uuid:server_id>/network", tags=("servers",))


@routes.get("", query=PageQuery, service=allocations.list_allocations)
async def show_network(actor: Actor, server_id: UUID, call: Call, query: PageQuery) -> Page:
    """Addresses and ports."""
    page = await allocations.list_allocations(actor, server_id, query)
    server = await listing.load_server(actor, server_id)
    usable = server.permissions if is_changeable(server) else ()
    return await server_page(
        call,
        server,
        "/network",
        "network.html",
        rows=[row(one, host=one.alias or one.ip) for one in page.items],
        view=view(call, page),
        may_add="allocation.create" in usable and page.total < server.allocations_limit,
        may_change="allocation.update" in usable,
        may_remove="allocation.delete" in usable,
        total=page.total,
    )


@routes.post("", service=allocations.claim_allocation)
async def add_port(actor: Actor, server_id: UUID) -> Redirect:
    """Take one more port."""
    return await attempt(allocations.claim_allocation(actor, server_id), back=_path(server_id), notice="added")


@routes.post("/<uuid:allocation_id>/primary", service=allocations.update_allocation)
async def make_primary(actor: Actor, server_id: UUID, allocation_id: UUID) -> Redirect:
    """Make a port the primary one."""
    work = allocations.update_allocation(actor, server_id, allocation_id, AllocationChanges(is_primary=True))
    notice = _("This is the primary port from the next start on.")
    return await attempt(work, back=_path(server_id), notice=notice)


@routes.post("/<uuid:allocation_id>/notes", service=allocations.update_allocation)
async def write_notes(actor: Actor, server_id: UUID, allocation_id: UUID, call: Call) -> Redirect:
    """Say what a port is for."""
    notes = str((await typed(call)).get("notes", ""))[:1024].replace("\0", "")
    work = allocations.update_allocation(actor, server_id, allocation_id, AllocationChanges(notes=notes))
    return await attempt(work, back=_path(server_id), notice="saved")


@routes.post("/<uuid:allocation_id>/remove", service=allocations.release_allocation)
async def remove_port(actor: Actor, server_id: UUID, allocation_id: UUID) -> Redirect:
    """Give a port back."""
    work = allocations.release_allocation(actor, server_id, allocation_id)
    return await attempt(work, back=_path(server_id), notice="removed")


def _path(server_id: UUID) -> str:
    return f"/servers/{server_id}/network"
