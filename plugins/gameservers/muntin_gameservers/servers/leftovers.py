"""What nodes still have of servers that are not theirs any more, kept until they have removed it."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from muntin import clock
from muntin.database import Transaction, transaction
from muntin.errors import NodeTimeout, NodeUnreachable
from muntin.jobs import JobContext, Task, enqueue
from muntin.nodes.client import NodeSaidNo, call_node
from muntin.nodes.models import NodeRow
from muntin_gameservers.models import LeftoverRow, ServerRow

REMOVE_LEFTOVER = "gameservers.remove_leftover"
REMOVE_WITHIN_S = 60.0
ATTEMPTS = 4
TRIED_AGAIN_AFTER = timedelta(minutes=5)


async def leave_behind(events: Transaction, node_id: UUID, server_id: UUID) -> None:
    """Have a node remove what it has of a server, however long it is away; until then the server cannot go there."""
    await LeftoverRow.get_or_create(node_id=node_id, server_id=server_id)
    await order_removal(events, node_id, server_id)


async def order_removal(events: Transaction, node_id: UUID, server_id: UUID) -> None:
    """Have a job look after a leftover."""
    await enqueue(events, REMOVE_LEFTOVER, node_id=str(node_id), server_id=str(server_id))


async def remove_from_node(node_id: UUID, server_id: UUID) -> None:
    """Have the node remove container and files; not being there any more is what is wanted."""
    node = await NodeRow.get(id=node_id)
    try:
        await call_node(node, "DELETE", f"/api/servers/{server_id}", timeout_s=REMOVE_WITHIN_S)
    except NodeSaidNo as error:
        if error.node_status != 404:
            raise


async def remove_leftover(context: JobContext, *, node_id: str, server_id: str) -> None:
    """Remove what is left of a server on a node that does not have it any more."""
    leftover = await LeftoverRow.get_or_none(node_id=UUID(node_id), server_id=UUID(server_id))
    if leftover is None:
        return
    try:
        await _remove(leftover)
    except (NodeUnreachable, NodeTimeout):
        if context.attempt < ATTEMPTS:
            raise
        return  # it stays noted, and is ordered again when the node is back
    await leftover.delete()


async def _remove(leftover: LeftoverRow) -> None:
    node = await NodeRow.get_or_none(id=leftover.node_id)
    if node is None or await ServerRow.exists(id=leftover.server_id, node_id=node.id):
        return
    with suppress(NodeSaidNo):  # it receives nothing of this server
        await call_node(node, "DELETE", f"/api/transfers/{leftover.server_id}")
    await remove_from_node(node.id, leftover.server_id)


async def order_forgotten() -> None:
    """Try again where a node is back, or refused the last time."""
    due = await LeftoverRow.filter(updated_at__lt=clock.now() - TRIED_AGAIN_AFTER)
    nodes = {node.id: node for node in await NodeRow.filter(id__in={one.node_id for one in due})} if due else {}
    async with transaction() as events:
        for leftover in due:
            node = nodes.get(leftover.node_id)
            if node is None or node.status != "offline":
                await LeftoverRow.filter(id=leftover.id).update(updated_at=clock.now())
                await order_removal(events, leftover.node_id, leftover.server_id)


JOBS = (Task(name=REMOVE_LEFTOVER, handler=remove_leftover, max_attempts=ATTEMPTS, backoff_s=3, timeout_s=120),)
