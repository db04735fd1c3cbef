"""How a move ends: once, as whoever says so first says; everybody after that hears that it is over."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from muntin import audit
from muntin.access import Actor, guarded
from muntin.database import Transaction, run_in_transaction
from muntin.errors import Conflict, NotFound
from muntin.jobs import enqueue
from muntin.nodes.models import NodeRow
from muntin.translation import _
from muntin_gameservers.events import ServerTransferFailed, ServerTransferred
from muntin_gameservers.models import AllocationRow, ServerRow, TransferRow
from muntin_gameservers.servers.changes import SYNC, access_changed
from muntin_gameservers.servers.leftovers import leave_behind
from muntin_gameservers.servers.problems import standing_problem
from muntin_gameservers.servers.telling import tell
from muntin_gameservers.servers.transfers.finding import locked_server, open_transfer

AFTERWARDS = "gameservers.after_transfer"
LONGEST_REASON = 500


class NoOpenTransfer(Conflict):
    """There is no move of this server that could end."""

    default_message = "There is no open transfer of this server."


@guarded("admin.servers.update", on=ServerRow)
async def cancel_transfer(actor: Actor, server: ServerRow) -> None:
    """Break a move off; the server stays where it is, and what the new node has of it already is removed there.

    Raises:
        Conflict: It is not being moved (any more).
    """
    if not await fail(server.id, _("It was cancelled by {name}.", name=actor.username), actor=actor):
        raise NoOpenTransfer(_("The server is not being moved any more."))


async def succeed(server_id: UUID, *, actor: Actor) -> None:
    """The new node has everything: the server is there from now on. Heard again from there, nothing changes.

    Args:
        actor: The node that says so.

    Raises:
        NotFound: There is no such server.
        Conflict: No move to this node is under way, and it does not have the server by an earlier one.
    """

    async def end(events: Transaction) -> None:
        server = await locked_server(server_id)
        if server is None:
            raise NotFound
        transfer = await open_transfer(server_id)
        if transfer is not None and (transfer.state, transfer.target_node_id) == ("running", actor.node_id):
            await _switch(events, actor, server, transfer)
        elif not await _came_earlier(server, actor.node_id):
            raise NoOpenTransfer

    await run_in_transaction(end)


async def _came_earlier(server: ServerRow, node_id: UUID | None) -> bool:
    """Whether a node has a server because it was moved there."""
    return server.node_id == node_id and await TransferRow.exists(
        server_id=server.id, target_node_id=node_id, state="succeeded"
    )


async def _switch(events: Transaction, actor: Actor, server: ServerRow, transfer: TransferRow) -> None:
    await TransferRow.filter(id=transfer.id).update(state="succeeded", ended_at=datetime.now(UTC))
    await ServerRow.filter(id=server.id).update(
        node_id=transfer.target_node_id,
        allocation_id=transfer.allocation_id,
        stage="ready",
        power="offline",
        problem=standing_problem(server),
    )
    await _free(server, transfer.source_node_id)
    await leave_behind(events, transfer.source_node_id, server.id)
    events.add(ServerTransferred(**_facts(server, transfer)))
    await _record(events, actor, "server.transferred", transfer)
    await _afterwards(events, server, transfer)


async def fail(server_id: UUID, reason: str, *, actor: Actor, transfer_id: UUID | None = None) -> bool:
    """End the move of a server that is under way, if there is one: the server stays where it is.

    Args:
        reason: For people.
        actor: Who says so.
        transfer_id: Only this move, if another one has begun meanwhile.

    Returns:
        Whether there was one.
    """

    async def end(events: Transaction) -> bool:
        server = await locked_server(server_id)
        transfer = await open_transfer(server_id)
        if server is None or transfer is None or transfer_id not in (None, transfer.id):
            return False
        await end_in_failure(events, server, transfer, reason, actor=actor)
        return True

    return await run_in_transaction(end)


async def end_in_failure(
    events: Transaction, server: ServerRow, transfer: TransferRow, reason: str, *, actor: Actor
) -> None:
    """The same, in the caller's transaction, which holds the lock of the server."""
    reason = reason[:LONGEST_REASON]
    await TransferRow.filter(id=transfer.id).update(state="failed", reason=reason, ended_at=datetime.now(UTC))
    await ServerRow.filter(id=server.id, stage="transferring").update(stage="ready")
    await _free(server, transfer.target_node_id)
    await leave_behind(events, transfer.target_node_id, server.id)
    events.add(ServerTransferFailed(**_facts(server, transfer), reason=reason, by=actor.account_id))
    await _record(events, actor, "server.transfer_failed", transfer, reason=reason)
    await enqueue(events, SYNC, server_id=str(server.id))  # what changed just before was kept from the node
    await _afterwards(events, server, transfer)


async def _free(server: ServerRow, node_id: UUID) -> None:
    """Give back the addresses that the server has, or that are kept for it, on a node."""
    await AllocationRow.filter(server_id=server.id, node_id=node_id).update(server_id=None, notes=None)


def _facts(server: ServerRow, transfer: TransferRow) -> dict[str, object]:
    return {
        "server_id": server.id,
        "name": server.name,
        "owner_id": server.owner_id,
        "from_node_id": transfer.source_node_id,
        "to_node_id": transfer.target_node_id,
    }


async def _record(events: Transaction, actor: Actor, event: str, transfer: TransferRow, **more: object) -> None:
    names = dict(
        await NodeRow.filter(id__in=[transfer.source_node_id, transfer.target_node_id]).values_list("id", "name")
    )
    named = {
        "from_node": names.get(transfer.source_node_id, ""),
        "to_node": names.get(transfer.target_node_id, ""),
    }
    await audit.record(events, actor, event, ("server", transfer.server_id), {**named, **more})


async def _afterwards(events: Transaction, server: ServerRow, transfer: TransferRow) -> None:
    await enqueue(events, AFTERWARDS, transfer_id=str(transfer.id))
    events.after_commit(lambda: access_changed(server))
    events.after_commit(lambda: tell(server.id))
