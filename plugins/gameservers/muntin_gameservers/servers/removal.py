"""Deleting a server: from the node first, then from the panel, so that nothing is left on either."""

from __future__ import annotations

from uuid import UUID

from muntin import audit
from muntin.access import Actor, guarded
from muntin.database import transaction
from muntin.errors import MuntinError, NodeTimeout, NodeUnreachable
from muntin.nodes.client import NodeSaidNo, call_node
from muntin.nodes.models import NodeRow
from muntin.vetoes import ask
from muntin_gameservers.errors import ServerLocked
from muntin_gameservers.events import ServerDeleted
from muntin_gameservers.models import AllocationRow, LeftoverRow, ServerRow
from muntin_gameservers.servers.changes import access_changed
from muntin_gameservers.servers.telling import tell

REMOVE_WITHIN_S = 60.0


@guarded("admin.servers.delete", on=ServerRow)
async def delete_server(actor: Actor, server: ServerRow, *, force: bool = False) -> None:
    """Delete a server, its files included; a running install is cancelled.

    Args:
        force: Also when the node does not answer; it removes its part when it comes back.

    Raises:
        ServerLocked: It is being deleted already.
        Vetoed: A plugin objects.
        NodeUnreachable, NodeTimeout, NodeSaidNo: Nothing was changed.
    """
    if server.stage == "deleting" and not force:
        raise ServerLocked
    facts = {"server_id": server.id, "name": server.name, "owner_id": server.owner_id, "force": force}
    await ask("server.delete", actor, facts)
    before = server.stage
    async with transaction() as events:
        changed = await ServerRow.filter(id=server.id, stage=before).update(stage="deleting")
        if not changed:
            raise ServerLocked
        await audit.record(events, actor, "server.deleted", ("server", server.id), {"name": server.name})
        events.after_commit(lambda: tell(server.id))
    try:
        await remove_from_node(server.node_id, server.id)
    except MuntinError as error:
        if not (force and isinstance(error, NodeUnreachable | NodeTimeout | NodeSaidNo)):
            stays = before if before != "deleting" else "ready"
            await ServerRow.filter(id=server.id, stage="deleting").update(stage=stays, problem=error.message)
            raise
        await LeftoverRow.get_or_create(server_id=server.id, defaults={"node_id": server.node_id})
    await finish_removal(server, by=actor)


async def remove_from_node(node_id: UUID, server_id: UUID) -> None:
    """Have the node remove container and files; not being there any more is what is wanted."""
    node = await NodeRow.get(id=node_id)
    try:
        await call_node(node, "DELETE", f"/api/servers/{server_id}", timeout_s=REMOVE_WITHIN_S)
    except NodeSaidNo as error:
        if error.node_status != 404:
            raise


async def finish_removal(server: ServerRow, *, by: Actor | None = None) -> None:
    """Remove the row and free its addresses."""
    async with transaction() as events:
        await AllocationRow.filter(server_id=server.id).update(server_id=None, notes=None)
        if not await ServerRow.filter(id=server.id).delete():
            return
        events.add(
            ServerDeleted(
                server_id=server.id, name=server.name, owner_id=server.owner_id, by=by.account_id if by else None
            )
        )
        events.after_commit(lambda: access_changed(server))
