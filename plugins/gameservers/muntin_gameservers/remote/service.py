"""What a node may know and say of the servers placed on it, and of no others."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from muntin.access import Actor, guarded
from muntin.database import transaction
from muntin.errors import NotFound
from muntin.jobs import enqueue
from muntin.schemas import Query
from muntin.translation import _
from muntin_gameservers.contract import (
    InstallReport,
    InstallScript,
    ServerConfiguration,
    StateChange,
    TransferReport,
)
from muntin_gameservers.events import ServerInstallCompleted, ServerInstallFailed, ServerStarted, ServerStopped
from muntin_gameservers.models import ServerRow
from muntin_gameservers.nests.stored import definition_of
from muntin_gameservers.remote.activity import keep
from muntin_gameservers.servers.configuration import configuration_of
from muntin_gameservers.servers.creation import INSTALL
from muntin_gameservers.servers.problems import last_exit_of
from muntin_gameservers.servers.telling import tell
from muntin_gameservers.servers.transfers.ending import NoOpenTransfer, fail, succeed
from muntin_gameservers.servers.transfers.finding import incoming_transfer, open_transfer, running_at, takes_part

LAST_PAGE = 1_000_000
"""What is asked for beyond is answered as this one, which is empty: numbers of 64 bits overflow in databases."""


class RemoteQuery(Query):
    """Which servers of the node: Wings begins to count at 0 and means 1."""

    page: int = 1
    per_page: int = 50


@guarded("node.report")
async def list_configurations(actor: Actor, query: RemoteQuery) -> dict[str, Any]:
    """The node's servers, with Wings' (Laravel's) page figures."""
    page, per_page = min(max(1, query.page), LAST_PAGE), min(max(1, query.per_page), 200)
    rows = ServerRow.visible_to(actor).exclude(stage="deleting")
    total = await rows.count()
    found = await rows.order_by("id").offset((page - 1) * per_page).limit(per_page).select_related("egg")
    data = [{"uuid": str(row.id), **(await configuration_of(row)).model_dump(mode="json")} for row in found]
    first = (page - 1) * per_page + 1
    meta = {
        "current_page": page,
        "from": first if found else None,
        "last_page": max(1, -(-total // per_page)),
        "per_page": per_page,
        "to": first + len(found) - 1 if found else None,
        "total": total,
    }
    return {"data": data, "meta": meta}


@guarded("node.report")
async def load_configuration(actor: Actor, server_id: UUID) -> ServerConfiguration:
    """One server's settings and process configuration; also of one that is being brought to the node.

    Raises:
        NotFound: It is neither on the node nor on its way there.
    """
    coming = await incoming_transfer(server_id, actor.node_id)
    among = ServerRow.all() if coming else ServerRow.visible_to(actor)
    server = await among.get_or_none(id=server_id).select_related("egg")
    if server is None:
        raise NotFound
    return await configuration_of(server, coming=coming)


@guarded("node.report", on=ServerRow)
async def load_install_script(actor: Actor, server: ServerRow) -> InstallScript:
    """The script that installs the server, and the image it runs in."""
    await server.fetch_related("egg")
    script = definition_of(server.egg).installation
    return InstallScript(container_image=script.container, entrypoint=script.entrypoint, script=script.script)


@guarded("node.report", on=ServerRow)
async def take_install_report(actor: Actor, server: ServerRow, report: InstallReport) -> None:
    """Keep how an install ended; hearing it twice changes nothing more."""
    async with transaction() as events:
        if report.successful:
            values = {"stage": "ready", "problem": "", "last_exit": None, "installed_at": datetime.now(UTC)}
            if await ServerRow.filter(id=server.id, stage__in=("installing", "install_failed")).update(**values):
                events.add(ServerInstallCompleted(server_id=server.id, name=server.name, owner_id=server.owner_id))
                events.after_commit(lambda: tell(server.id))
            return
        reason = report.reason or "The install script failed."
        if await ServerRow.filter(id=server.id, stage="installing").update(stage="install_failed", problem=reason):
            events.add(
                ServerInstallFailed(server_id=server.id, name=server.name, owner_id=server.owner_id, reason=reason)
            )
            events.after_commit(lambda: tell(server.id))


@guarded("node.report", on=ServerRow)
async def take_state(actor: Actor, server: ServerRow, change: StateChange) -> None:
    """Keep the power state a node reported; it is the node's own, the panel never restores it."""
    async with transaction() as events:
        changed = (
            await ServerRow.filter(id=server.id)
            .exclude(power=change.new_state)
            .update(power=change.new_state, **_consequences(change))
        )
        if not changed:
            return
        if change.new_state == "running":
            events.add(ServerStarted(server_id=server.id, name=server.name, owner_id=server.owner_id))
        elif change.new_state == "offline":
            ended = change.last_exit
            events.add(
                ServerStopped(
                    server_id=server.id,
                    name=server.name,
                    owner_id=server.owner_id,
                    exit_code=ended.code if ended else None,
                    reason=ended.reason if ended else "",
                )
            )
        events.after_commit(lambda: tell(server.id))


def _consequences(change: StateChange) -> dict[str, Any]:
    """What the change says beyond the state: a failed start or a crash is a problem until the server runs again."""
    if change.new_state == "running":
        return {"last_exit": None, "problem": ""}
    ended = last_exit_of(change)
    if ended is None:
        return {}
    return {"last_exit": ended, **({"problem": ended["reason"]} if ended["failed"] else {})}


@guarded("node.report")
async def take_transfer_success(actor: Actor, server_id: UUID) -> None:
    """A node has all of a server that was moved to it.

    Raises:
        NotFound: The node has no part in the server.
        Conflict: No move of it to this node is open, or was the one by which the node has it.
    """
    await _refuse_uninvolved(actor, server_id)
    await succeed(server_id, actor=actor)


@guarded("node.report")
async def take_transfer_failure(actor: Actor, server_id: UUID, report: TransferReport) -> None:
    """One of the two nodes cannot do its part of a move.

    Raises:
        NotFound: The node has no part in the server.
        Conflict: No move of it is open in which this node takes part.
    """
    await _refuse_uninvolved(actor, server_id)
    transfer = await open_transfer(server_id)
    if transfer is None or actor.node_id not in (transfer.source_node_id, transfer.target_node_id):
        raise NoOpenTransfer
    reason = report.reason or _("The node {name} could not do its part.", name=actor.username)
    if not await fail(server_id, reason, actor=actor, transfer_id=transfer.id):
        raise NoOpenTransfer


async def _refuse_uninvolved(actor: Actor, server_id: UUID) -> None:
    is_own = await ServerRow.visible_to(actor).filter(id=server_id).exists()
    if not is_own and not await takes_part(server_id, actor.node_id):
        raise NotFound


@guarded("node.report")
async def reset_servers(actor: Actor) -> None:
    """A node that starts runs no install, and sends or receives no server: the former are ordered again."""
    reason = _("The node {name} was started again meanwhile.", name=actor.username)
    for transfer in await running_at(actor.node_id):
        await fail(transfer.server_id, reason, actor=actor, transfer_id=transfer.id)
    async with transaction() as events:
        for row in await ServerRow.visible_to(actor).filter(stage="installing"):
            await enqueue(events, INSTALL, server_id=str(row.id))


@guarded("node.report")
async def take_activity(actor: Actor, rows: list[dict[str, Any]]) -> None:
    """Rows of what people did over sockets of the node; only those of its own servers are kept."""
    await keep(actor, rows)
