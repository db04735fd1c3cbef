"""Addresses and ports of nodes, for administrators."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from muntin import audit
from muntin.access import Actor, guarded
from muntin.database import transaction
from muntin.errors import Conflict, InvalidInput, NotFound
from muntin.nodes.models import NodeRow
from muntin.schemas import Page
from muntin.translation import _
from muntin_gameservers.allocations.schemas import MOST_AT_ONCE, AllocationsIn, NodeAllocationQuery
from muntin_gameservers.errors import AllocationInUse
from muntin_gameservers.models import AllocationRow, ServerRow
from muntin_gameservers.schemas import Allocation
from muntin_gameservers.servers.placement import lock_node
from muntin_gameservers.servers.shown import allocation

SORTABLE = ("ip", "port", "alias", "created_at")


@guarded("admin.nodes.list", on=NodeRow)
async def list_node_allocations(actor: Actor, node: NodeRow, query: NodeAllocationQuery) -> Page[Allocation]:
    """The addresses of a node, free and taken."""
    rows = matching(AllocationRow.filter(node_id=node.id), query.search)
    if query.ip:
        rows = rows.filter(ip=query.ip)
    if query.port is not None:
        rows = rows.filter(port=query.port)
    if query.assigned is not None:
        rows = rows.filter(server_id__isnull=not query.assigned)
    total = await rows.count()
    found = await rows.order_by(*query.order(SORTABLE, default="ip,port")).offset(query.offset).limit(query.per_page)
    return Page.of(await _shown(found), total, query)


@guarded("admin.nodes.update", on=NodeRow)
async def create_allocations(actor: Actor, node: NodeRow, wanted: AllocationsIn) -> list[Allocation]:
    """Add addresses; those the node has already are passed over.

    Raises:
        InvalidInput: More than 1000 at once.
        Conflict: The node has all of them already.
    """
    pairs = wanted.pairs
    if len(pairs) > MOST_AT_ONCE:
        raise InvalidInput.of("ports", _("At most {most} addresses with port at once.", most=MOST_AT_ONCE))
    async with transaction() as events:
        await lock_node(node.id)
        ips = {ip for ip, _port in pairs}
        taken = set(await AllocationRow.filter(node_id=node.id, ip__in=ips).values_list("ip", "port"))
        new = [pair for pair in pairs if pair not in taken]
        if not new:
            raise Conflict(_("The node has all of these addresses already."))
        rows = [AllocationRow(node_id=node.id, ip=ip, port=port, alias=wanted.alias) for ip, port in new]
        await AllocationRow.bulk_create(rows)
        await audit.record(events, actor, "node.allocations_added", ("node", node.id), wanted.model_dump())
    return [allocation(row, primary_id=None) for row in rows]


@guarded("admin.nodes.update", on=NodeRow)
async def delete_allocation(actor: Actor, node: NodeRow, allocation_id: UUID) -> None:
    """Remove a free address of a node.

    Raises:
        NotFound: The node has no such address.
        AllocationInUse: A server has it.
    """
    async with transaction() as events:
        row = await AllocationRow.get_or_none(id=allocation_id, node_id=node.id)
        if row is None:
            raise NotFound
        if not await AllocationRow.filter(id=row.id, server_id=None).delete():
            raise AllocationInUse
        gone = {"ip": row.ip, "port": row.port}
        await audit.record(events, actor, "node.allocation_removed", ("node", node.id), gone)


def matching(rows: QuerySet[AllocationRow], search: str) -> QuerySet[AllocationRow]:
    """Those whose address, alias or notes hold the text, or whose port is it."""
    if not search:
        return rows
    wanted = Q(ip__icontains=search) | Q(alias__icontains=search) | Q(notes__icontains=search)
    if search.isascii() and search.isdigit() and len(search) < 6:
        wanted |= Q(port=int(search))
    return rows.filter(wanted)


async def _shown(rows: Sequence[AllocationRow]) -> list[Allocation]:
    """The rows, with one query for which of them are primary."""
    ids = [row.id for row in rows if row.server_id is not None]
    primary = (
        set(await ServerRow.filter(allocation_id__in=ids).values_list("allocation_id", flat=True)) if ids else set()
    )
    return [allocation(row, primary_id=row.id if row.id in primary else None) for row in rows]
