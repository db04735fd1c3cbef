"""Finding room: memory and disk of nodes, free addresses; never more than there is."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from muntin.contributions import Promised
from muntin.errors import Conflict, InvalidInput
from muntin.nodes.models import NodeRow
from muntin.translation import _
from muntin_gameservers.errors import NoAllocationAvailable
from muntin_gameservers.models import AllocationRow
from muntin_gameservers.schemas import Deploy, ServerIn
from muntin_gameservers.servers.promised import promised_of


async def lock_node(node_id: UUID) -> NodeRow:
    """Load a node so that nobody else places anything on it until the transaction ends.

    A write locks the row on PostgreSQL and the whole database on SQLite.
    """
    row = await _node(node_id)
    if not await NodeRow.filter(id=node_id).update(name=row.name):
        raise InvalidInput.of("node_id", _("There is no such node."))
    return row


async def _node(node_id: UUID) -> NodeRow:
    row = await NodeRow.get_or_none(id=node_id)
    if row is None:
        raise InvalidInput.of("node_id", _("There is no such node."))
    return row


async def chosen_place(wanted: ServerIn) -> tuple[NodeRow, AllocationRow]:
    """The node and address the caller named, or the first that fits; the node is locked.

    Raises:
        InvalidInput: The named node or address does not exist.
        Conflict: The named address is taken.
        NoAllocationAvailable: Nothing has room.
    """
    if wanted.allocation_id is not None:
        return await _named_place(wanted, wanted.allocation_id)
    deploy = wanted.deploy or Deploy()
    for node_id in await _candidates(wanted):
        if not await has_room(await _node(node_id), wanted.memory, wanted.disk):
            continue  # without its lock, for which others wait who would find a place
        node = await lock_node(node_id)
        if not await has_room(node, wanted.memory, wanted.disk):
            continue
        free = await _free_allocation(node.id, deploy)
        if free is not None:
            return node, free
    raise NoAllocationAvailable


async def _named_place(wanted: ServerIn, allocation_id: UUID) -> tuple[NodeRow, AllocationRow]:
    found = await AllocationRow.get_or_none(id=allocation_id)
    if found is None or (wanted.node_id and found.node_id != wanted.node_id):
        raise InvalidInput.of("allocation_id", _("There is no such address on this node."))
    node = await lock_node(found.node_id)
    if not await has_room(node, wanted.memory, wanted.disk):
        raise NoAllocationAvailable(_("The node {name} has not enough free memory or disk.", name=node.name))
    return node, found


async def _candidates(wanted: ServerIn) -> list[UUID]:
    """Nodes to try: the named one, else public ones that are not in maintenance, the emptiest first."""
    if wanted.node_id is not None:
        return [wanted.node_id]
    nodes = await NodeRow.filter(is_public=True, maintenance_mode=False)
    promised = await promised_of([node.id for node in nodes])
    nodes.sort(key=lambda node: (promised.get(node.id, Promised()).memory_mib / max(1, node.memory_mib), node.name))
    return [node.id for node in nodes]


async def has_room(node: NodeRow, memory_mib: int, disk_mib: int, *, besides: UUID | None = None) -> bool:
    """Whether a server of this size still fits.

    Args:
        besides: A server that is not counted, because it is the one that changes.
    """
    memory, disk = free_of(node, (await promised_of([node.id], besides=besides)).get(node.id, Promised()))
    return fits(memory_mib, memory) and fits(disk_mib, disk)


def free_of(node: NodeRow, promised: Promised) -> tuple[int | None, int | None]:
    """Memory and disk of a node that nobody was promised, in MiB; `None` where it may promise without a limit."""
    return (
        _free(node.memory_mib, node.memory_overallocate_percent, promised.memory_mib),
        _free(node.disk_mib, node.disk_overallocate_percent, promised.disk_mib),
    )


def _free(total_mib: int, overallocate_percent: int, promised_mib: int) -> int | None:
    return None if overallocate_percent < 0 else total_mib * (100 + overallocate_percent) // 100 - promised_mib


def fits(wanted_mib: int, free_mib: int | None) -> bool:
    """Whether there is room, given what `free_of` says."""
    return free_mib is None or wanted_mib <= free_mib


async def _free_allocation(node_id: UUID, deploy: Deploy) -> AllocationRow | None:
    rows = AllocationRow.filter(node_id=node_id, server_id=None)
    if deploy.dedicated_ip:
        taken = await AllocationRow.filter(node_id=node_id, server_id__not_isnull=True).values_list("ip", flat=True)
        rows = rows.exclude(ip__in=list(taken))
    ranges = [_ports(text) for text in deploy.port_range]
    for row in await rows.order_by("ip", "port"):
        if not ranges or any(first <= row.port <= last for first, last in ranges):
            return row
    return None


def _ports(text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    try:
        return int(first), int(last if dash else first)
    except ValueError:
        raise InvalidInput.of("deploy.port_range", _("Write ports as 27015 or 27015-27030.")) from None


async def take(allocation_ids: Sequence[UUID], node_id: UUID, server_id: UUID, field: str) -> None:
    """Give free addresses of a node to a server, all or none.

    Raises:
        InvalidInput: One is not on the node.
        Conflict: One is taken.
    """
    wanted = set(allocation_ids)
    if await AllocationRow.filter(id__in=wanted, node_id=node_id).count() != len(wanted):
        raise InvalidInput.of(field, _("Not all of these addresses exist on the server's node."))
    taken = await AllocationRow.filter(id__in=wanted, server_id=None).update(server_id=server_id)
    if taken != len(wanted):
        raise Conflict(_("An address was taken by another server."))
