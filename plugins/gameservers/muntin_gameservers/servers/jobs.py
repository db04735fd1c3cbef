"""Bringing nodes to what the database wants: at least once each, doing it twice changes nothing more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from muntin.database import transaction
from muntin.errors import MuntinError
from muntin.events import EventEnvelope
from muntin.jobs import Cron, JobContext, Task, enqueue
from muntin.nodes.client import NodeSaidNo, call_node
from muntin.nodes.models import NodeRow
from muntin_gameservers.models import LeftoverRow, ServerRow, TicketRow
from muntin_gameservers.servers.changes import REINSTALL, SYNC
from muntin_gameservers.servers.creation import INSTALL
from muntin_gameservers.servers.leftovers import JOBS as LEFTOVER_JOBS
from muntin_gameservers.servers.leftovers import order_forgotten, order_removal, remove_from_node
from muntin_gameservers.servers.problems import standing_problem
from muntin_gameservers.servers.removal import finish_removal
from muntin_gameservers.servers.transfers.jobs import JOBS as TRANSFER_JOBS
from muntin_gameservers.servers.transfers.sweeping import end_forgotten

STUCK_AFTER = timedelta(minutes=2)


async def install(context: JobContext, *, server_id: str) -> None:
    """Have the node fetch and install a server; how that ends, the node reports itself."""
    server = await _server(server_id, stage="installing")
    if server is None:
        return
    body = {"uuid": server_id, "start_on_completion": server.start_on_completion}
    await _ask(server, "POST", "/api/servers", json=body)


async def reinstall(context: JobContext, *, server_id: str, wipe: bool = False) -> None:
    """Have the node run the install script again."""
    server = await _server(server_id, stage="installing")
    if server is None:
        return
    try:
        await _ask(server, "POST", f"/api/servers/{server_id}/reinstall", json={"wipe": wipe})
    except NodeSaidNo as error:
        if error.node_status != 404:
            raise
        await _ask(server, "POST", "/api/servers", json={"uuid": server_id})  # the node never had it


async def sync(context: JobContext, *, server_id: str) -> None:
    """Have the node fetch a server's settings again."""
    server = await ServerRow.get_or_none(id=UUID(server_id))
    if server is None or server.stage in ("deleting", "transferring"):
        return
    try:
        await _ask(server, "POST", f"/api/servers/{server_id}/sync")
    except NodeSaidNo as error:
        if error.node_status != 404:  # a node that does not know it yet fetches everything when it does
            raise


async def remove(context: JobContext, *, server_id: str) -> None:
    """Finish a removal that was broken off."""
    server = await _server(server_id, stage="deleting")
    if server is not None:
        await remove_from_node(server.node_id, server.id)
        await finish_removal(server)


async def reconcile_node(context: JobContext, *, node_id: str) -> None:
    """After a node came back: remove leftovers, and tell it again whatever it may have missed."""
    async with transaction() as events:
        for leftover in await LeftoverRow.filter(node_id=UUID(node_id)):
            await order_removal(events, leftover.node_id, leftover.server_id)
        for server in await ServerRow.filter(node_id=UUID(node_id)):
            name = {"installing": INSTALL, "deleting": "gameservers.remove"}.get(server.stage, SYNC)
            await enqueue(events, name, server_id=str(server.id))


async def tidy(context: JobContext) -> None:
    """Resume what is stuck, end moves nobody ends any more, and drop tickets nobody used."""
    await TicketRow.filter(expires_at__lt=datetime.now(UTC)).delete()
    stuck = await ServerRow.filter(stage="deleting", updated_at__lt=datetime.now(UTC) - STUCK_AFTER)
    async with transaction() as events:
        for server in stuck:
            await enqueue(events, "gameservers.remove", server_id=str(server.id))
    await order_forgotten()
    await end_forgotten()


async def node_returned(event: EventEnvelope) -> None:
    """Subscriber of `node.online`."""
    async with transaction() as events:
        await enqueue(events, "gameservers.reconcile_node", key=str(event.id), node_id=event.resource_id)


async def _server(server_id: str, *, stage: str) -> ServerRow | None:
    """The server if it is still in the stage the job was made for."""
    return await ServerRow.get_or_none(id=UUID(server_id), stage=stage)


async def _ask(server: ServerRow, method: str, path: str, *, json: object = None) -> Any:
    """Call the node; a failure is kept with the server, for people to read, and raised for another try."""
    node = await NodeRow.get(id=server.node_id)
    try:
        answer = await call_node(node, method, path, json=json)
    except MuntinError as error:
        await ServerRow.filter(id=server.id).exclude(problem=error.message).update(problem=error.message)
        raise
    stays = standing_problem(server)
    if server.problem != stays:  # what was wrong before is over; what the node reported meanwhile stays
        told = ServerRow.filter(id=server.id, problem=server.problem).exclude(stage="install_failed")
        await told.update(problem=stays)
    return answer


JOBS = (
    Task(name=INSTALL, handler=install, max_attempts=8, backoff_s=2, timeout_s=60),
    Task(name=REINSTALL, handler=reinstall, max_attempts=8, backoff_s=2, timeout_s=60),
    Task(name=SYNC, handler=sync, max_attempts=5, backoff_s=2, timeout_s=60),
    Task(name="gameservers.remove", handler=remove, max_attempts=5, backoff_s=5, timeout_s=120),
    Task(name="gameservers.reconcile_node", handler=reconcile_node, max_attempts=3, timeout_s=300),
    Task(name="gameservers.tidy", handler=tidy),
    Cron(name="gameservers.tidy_often", expression="*/5 * * * *", task="gameservers.tidy"),
    *LEFTOVER_JOBS,
    *TRANSFER_JOBS,
)
