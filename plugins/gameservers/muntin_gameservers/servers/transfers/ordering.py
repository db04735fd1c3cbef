"""Ordering a move: everything is checked and kept for the server on the new node, then a job tells the old one."""

from __future__ import annotations

import asyncio
from uuid import UUID

from muntin import audit
from muntin.access import Actor, guarded
from muntin.database import Transaction, run_in_transaction
from muntin.errors import Conflict, InvalidInput, NodeTimeout, NodeUnreachable, NotFound
from muntin.jobs import enqueue
from muntin.nodes.client import NodeSaidNo, call_node
from muntin.nodes.models import NodeRow
from muntin.translation import _
from muntin_gameservers.errors import ServerLocked
from muntin_gameservers.events import ServerTransferStarted
from muntin_gameservers.models import LeftoverRow, ServerRow, TransferRow
from muntin_gameservers.schemas import TransferIn, TransferStarted
from muntin_gameservers.servers.changes import access_changed
from muntin_gameservers.servers.placement import has_room, lock_node, take
from muntin_gameservers.servers.states import refuse_moving
from muntin_gameservers.servers.telling import tell
from muntin_gameservers.servers.transfers.finding import locked_server

TRANSFER = "gameservers.transfer"
ANSWER_WITHIN_S = 3.0
RUNNING = ("starting", "running")


@guarded("admin.servers.update", on=ServerRow)
async def start_transfer(actor: Actor, server: ServerRow, wanted: TransferIn) -> TransferStarted:
    """Have a server moved to another node, with its files; it is stopped meanwhile, and started again if it ran.

    Raises:
        InvalidInput: The node or an address does not exist, or the server is on this node already.
        ServerLocked: Something else is under way, or the server was never installed.
        Conflict: The node has no room, an address is taken, or the node still has to remove what it has of the server.
        NodeUnreachable: One of the nodes is away, or the new one is in maintenance; nothing was changed.
    """
    _refuse_unready(server)
    target = await _target(server, wanted)
    _refuse_twice(wanted)
    await refuse_away(await NodeRow.get(id=server.node_id), target)

    async def order(events: Transaction) -> TransferRow:
        row = await _reserve(server.id, wanted, ordered_by=actor.account_id)
        await _announce(events, actor, server, row, target)
        return row

    row = await run_in_transaction(order)
    return TransferStarted(accepted=True, transfer_id=row.id, status="transferring")


def _refuse_unready(server: ServerRow) -> None:
    refuse_moving(server)
    if server.stage != "ready":
        raise ServerLocked


async def _target(server: ServerRow, wanted: TransferIn) -> NodeRow:
    target = await NodeRow.get_or_none(id=wanted.node_id)
    if target is None:
        raise InvalidInput.of("node_id", _("There is no such node."))
    if target.id == server.node_id:
        raise InvalidInput.of("node_id", _("The server is on this node already."))
    return target


def _refuse_twice(wanted: TransferIn) -> None:
    named = [wanted.allocation_id, *wanted.additional_allocation_ids]
    if len(set(named)) != len(named):
        raise InvalidInput.of("additional_allocation_ids", _("An address is listed twice."))


async def refuse_away(source: NodeRow, target: NodeRow) -> None:
    """Refuse when the move could not even begin: a node is known to be away, or takes nothing now.

    Raises:
        NodeUnreachable: Names the node.
    """
    if target.maintenance_mode:
        raise NodeUnreachable(_("The node {name} is in maintenance.", name=target.name), node=target.name)
    for node in (source, target):
        if node.last_seen_at is not None and node.status == "offline":
            raise _away(node)
    await asyncio.gather(*(_refuse_silent(node) for node in (source, target)))


async def _refuse_silent(node: NodeRow) -> None:
    """A node that is busy, or answers something odd, is there; the move shows whether it can do its part."""
    try:
        await call_node(node, "GET", "/api/system", timeout_s=ANSWER_WITHIN_S)
    except NodeUnreachable as error:
        raise _away(node) from error
    except (NodeTimeout, NodeSaidNo):
        return


def _away(node: NodeRow) -> NodeUnreachable:
    return NodeUnreachable(_("The node {name} cannot be reached right now.", name=node.name), node=node.name)


async def _reserve(server_id: UUID, wanted: TransferIn, *, ordered_by: UUID | None) -> TransferRow:
    """The move's row, with room and addresses on the new node, inside the caller's transaction."""
    node = await lock_node(wanted.node_id)
    server = await locked_server(server_id)
    if server is None:
        raise NotFound
    _refuse_unready(server)
    await _target(server, wanted)
    if not await has_room(node, server.memory_mib, server.disk_mib):
        raise Conflict(_("The node {name} has not enough free memory or disk.", name=node.name))
    if await LeftoverRow.exists(node_id=node.id, server_id=server.id):
        raise Conflict(
            _("The node {name} still removes what it has of this server; try again in a moment.", name=node.name)
        )
    await take([wanted.allocation_id], node.id, server.id, "allocation_id")
    if wanted.additional_allocation_ids:
        await take(wanted.additional_allocation_ids, node.id, server.id, "additional_allocation_ids")
    await ServerRow.filter(id=server.id).update(stage="transferring")
    return await TransferRow.create(
        server_id=server.id,
        source_node_id=server.node_id,
        target_node_id=node.id,
        allocation_id=wanted.allocation_id,
        was_running=server.power in RUNNING,
        ordered_by=ordered_by,
    )


async def _announce(events: Transaction, actor: Actor, server: ServerRow, row: TransferRow, target: NodeRow) -> None:
    source = await NodeRow.get(id=row.source_node_id)
    events.add(
        ServerTransferStarted(
            server_id=server.id,
            name=server.name,
            owner_id=server.owner_id,
            from_node_id=row.source_node_id,
            to_node_id=row.target_node_id,
            by=actor.account_id,
        )
    )
    named = {"from_node": source.name, "to_node": target.name}
    await audit.record(events, actor, "server.transfer_started", ("server", server.id), named)
    await enqueue(events, TRANSFER, transfer_id=str(row.id))
    events.after_commit(lambda: access_changed(server))
    events.after_commit(lambda: tell(server.id))
