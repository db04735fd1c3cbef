"""Addresses and ports of one server, for its owner and those who share in it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from muntin import audit
from muntin.access import Actor, guarded
from muntin.database import Transaction, transaction
from muntin.errors import InvalidInput, LimitReached, NotFound
from muntin.jobs import enqueue
from muntin.schemas import Page, PageQuery
from muntin.translation import _
from muntin_gameservers.allocations.nodes import SORTABLE, matching
from muntin_gameservers.allocations.schemas import AllocationChanges
from muntin_gameservers.errors import AllocationPrimary, NoAllocationAvailable, ServerSuspended
from muntin_gameservers.events import ServerUpdated
from muntin_gameservers.models import AllocationRow, ServerRow
from muntin_gameservers.schemas import Allocation
from muntin_gameservers.servers.changes import SYNC
from muntin_gameservers.servers.placement import lock_node
from muntin_gameservers.servers.shown import allocation
from muntin_gameservers.servers.states import refuse_moving


@guarded("allocation.read", on=ServerRow)
async def list_allocations(actor: Actor, server: ServerRow, query: PageQuery) -> Page[Allocation]:
    """The server's addresses."""
    rows = matching(AllocationRow.filter(server_id=server.id, node_id=server.node_id), query.search)
    total = await rows.count()
    found = await rows.order_by(*query.order(SORTABLE, default="ip,port")).offset(query.offset).limit(query.per_page)
    return Page.of([allocation(row, primary_id=server.allocation_id) for row in found], total, query)


@guarded("allocation.create", on=ServerRow)
async def claim_allocation(actor: Actor, server: ServerRow) -> Allocation:
    """Give the server a free address of its node, of the same IP as its primary one if there is any.

    Raises:
        LimitReached: The server has as many as it may, the primary one included.
        NoAllocationAvailable: No address of the node is free.
        ServerSuspended: The server is suspended.
    """
    async with transaction() as events:
        current = await _locked(server)
        if await AllocationRow.filter(server_id=server.id, node_id=server.node_id).count() >= current.allocations_limit:
            raise LimitReached(_("This server may have no more addresses."), limit=current.allocations_limit)
        row = await _take_free(current)
        await _announce(events, actor, current, "server.allocation_added", {"ip": row.ip, "port": row.port})
    return allocation(row, primary_id=current.allocation_id)


@guarded("allocation.update", on=ServerRow)
async def update_allocation(
    actor: Actor, server: ServerRow, allocation_id: UUID, changes: AllocationChanges
) -> Allocation:
    """Write notes, or make an address the primary one; that takes effect at the next start.

    Raises:
        NotFound: The server has no such address.
        InvalidInput: The primary one cannot stop being it; another one is made primary instead.
        ServerSuspended: The server is suspended.
    """
    async with transaction() as events:
        current = await _locked(server)
        row = await _own(current, allocation_id)
        primary_id = _primary_after(current, row, changes.is_primary)
        if primary_id != current.allocation_id:
            await ServerRow.filter(id=current.id).update(allocation_id=primary_id, updated_at=datetime.now(UTC))
        if "notes" in changes.model_fields_set:
            await AllocationRow.filter(id=row.id).update(notes=changes.notes or None, updated_at=datetime.now(UTC))
        asked = {"ip": row.ip, "port": row.port, **changes.model_dump(exclude_unset=True)}
        await _announce(events, actor, current, "server.allocation_updated", asked)
    return allocation(await AllocationRow.get(id=row.id), primary_id=primary_id)


@guarded("allocation.delete", on=ServerRow)
async def release_allocation(actor: Actor, server: ServerRow, allocation_id: UUID) -> None:
    """Give an address back.

    Raises:
        NotFound: The server has no such address.
        AllocationPrimary: It is the primary one.
        ServerSuspended: The server is suspended.
    """
    async with transaction() as events:
        current = await _locked(server)
        row = await _own(current, allocation_id)
        if row.id == current.allocation_id:
            raise AllocationPrimary
        await AllocationRow.filter(id=row.id, server_id=current.id).update(server_id=None, notes=None)
        await _announce(events, actor, current, "server.allocation_removed", {"ip": row.ip, "port": row.port})


async def _locked(server: ServerRow) -> ServerRow:
    """The server as it is now, while nobody else gives or takes addresses of its node.

    Raises:
        NotFound: It was deleted meanwhile.
        ServerLocked: It is being moved to another node.
        ServerSuspended: It is suspended.
    """
    await lock_node(server.node_id)
    current = await ServerRow.get_or_none(id=server.id)
    if current is None:
        raise NotFound
    refuse_moving(current)
    if current.is_suspended:
        raise ServerSuspended
    return current


async def _own(server: ServerRow, allocation_id: UUID) -> AllocationRow:
    row = await AllocationRow.get_or_none(id=allocation_id, server_id=server.id, node_id=server.node_id)
    if row is None:
        raise NotFound
    return row


async def _take_free(server: ServerRow) -> AllocationRow:
    """Compare and set, so that not even a writer without the node's lock can have the same one."""
    primary = await AllocationRow.get_or_none(id=server.allocation_id)
    free = AllocationRow.filter(node_id=server.node_id, server_id=None).order_by("ip", "port")
    row = (await free.filter(ip=primary.ip).first() if primary else None) or await free.first()
    if row is None or not await AllocationRow.filter(id=row.id, server_id=None).update(server_id=server.id):
        raise NoAllocationAvailable(_("The node of this server has no free address."))
    return await AllocationRow.get(id=row.id)


def _primary_after(server: ServerRow, row: AllocationRow, is_primary: bool | None) -> UUID:
    if is_primary:
        return row.id
    if is_primary is False and row.id == server.allocation_id:
        raise InvalidInput.of("is_primary", _("Make another address primary instead."))
    return server.allocation_id


async def _announce(
    events: Transaction, actor: Actor, server: ServerRow, event: str, properties: dict[str, Any]
) -> None:
    events.add(
        ServerUpdated(
            server_id=server.id,
            name=server.name,
            owner_id=server.owner_id,
            changed=("allocations",),
            by=actor.account_id,
        )
    )
    await audit.record(events, actor, event, ("server", server.id), properties)
    await enqueue(events, SYNC, server_id=str(server.id))
