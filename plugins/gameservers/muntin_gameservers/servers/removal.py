"""Deleting a server: from the node first, then from the panel, so that nothing is left on either."""

from __future__ import annotations

from muntin import audit
from muntin.access import Actor, guarded
from muntin.database import Transaction, run_in_transaction, transaction
from muntin.errors import MuntinError, NodeTimeout, NodeUnreachable
from muntin.nodes.client import NodeSaidNo
from muntin.translation import _
from muntin.vetoes import ask
from muntin_gameservers.errors import ServerLocked
from muntin_gameservers.events import ServerDeleted
from muntin_gameservers.models import AllocationRow, ServerRow
from muntin_gameservers.servers.changes import access_changed
from muntin_gameservers.servers.leftovers import leave_behind, remove_from_node
from muntin_gameservers.servers.telling import tell
from muntin_gameservers.servers.transfers.ending import end_in_failure
from muntin_gameservers.servers.transfers.finding import locked_server, open_transfer


@guarded("admin.servers.delete", on=ServerRow)
async def delete_server(actor: Actor, server: ServerRow, *, force: bool = False) -> None:
    """Delete a server, its files included; a running install is cancelled.

    Args:
        force: Also while it is being moved, which ends, and when the node does not answer; it removes its part when it
            comes back.

    Raises:
        ServerLocked: It is being deleted already, or moved.
        Vetoed: A plugin objects.
        NodeUnreachable, NodeTimeout, NodeSaidNo: Nothing was changed.
    """
    if server.stage in ("deleting", "transferring") and not force:
        raise ServerLocked
    facts = {"server_id": server.id, "name": server.name, "owner_id": server.owner_id, "force": force}
    await ask("server.delete", actor, facts)
    before = server.stage
    await run_in_transaction(lambda events: _begin(events, actor, server))
    is_left = False
    try:
        await remove_from_node(server.node_id, server.id)
    except MuntinError as error:
        is_left = force and isinstance(error, NodeUnreachable | NodeTimeout | NodeSaidNo)
        if not is_left:
            stays = before if before not in ("deleting", "transferring") else "ready"
            await ServerRow.filter(id=server.id, stage="deleting").update(stage=stays, problem=error.message)
            raise
    await finish_removal(server, by=actor, is_left=is_left)


async def _begin(events: Transaction, actor: Actor, server: ServerRow) -> None:
    """Let nobody else do anything with the server any more; a move that is under way ends."""
    current = await locked_server(server.id)
    if current is None or (current.stage, current.node_id) != (server.stage, server.node_id):
        raise ServerLocked
    transfer = await open_transfer(server.id)
    if transfer is not None:
        await end_in_failure(events, current, transfer, _("The server was deleted."), actor=actor)
    await ServerRow.filter(id=server.id).update(stage="deleting")
    await audit.record(events, actor, "server.deleted", ("server", server.id), {"name": server.name})
    events.after_commit(lambda: tell(server.id))


async def finish_removal(server: ServerRow, *, by: Actor | None = None, is_left: bool = False) -> None:
    """Remove the row and free its addresses.

    Args:
        is_left: The node has its part still, and is to remove it when it can.
    """
    async with transaction() as events:
        await AllocationRow.filter(server_id=server.id).update(server_id=None, notes=None)
        if not await ServerRow.filter(id=server.id).delete():
            return
        if is_left:
            await leave_behind(events, server.node_id, server.id)
        events.add(
            ServerDeleted(
                server_id=server.id, name=server.name, owner_id=server.owner_id, by=by.account_id if by else None
            )
        )
        events.after_commit(lambda: access_changed(server))
