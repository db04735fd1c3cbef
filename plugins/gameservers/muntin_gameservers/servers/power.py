"""Starting, stopping, commanding and measuring: calls that go straight to the node."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from muntin import audit
from muntin.access import Actor, guarded
from muntin.database import transaction
from muntin.limits import count_use
from muntin.nodes.client import NodeSaidNo, NodeSaidTooMuch, call_node
from muntin.nodes.models import NodeRow
from muntin.translation import _
from muntin.vetoes import ask
from muntin_gameservers.contract import ResourceUsage
from muntin_gameservers.errors import ServerOffline
from muntin_gameservers.models import ServerRow
from muntin_gameservers.schemas import CommandSent, ConsoleLines, PowerAccepted, ServerResources, Traffic
from muntin_gameservers.servers.states import refuse_unusable

ACTIONS = ("start", "stop", "restart", "kill")
ORDERS_PER_MINUTE = 60
"""Power actions and commands together, for one server: whoever gives them, by API, page or websocket."""
MIB = 1024 * 1024
ANSWER_BYTES = 256 * 1024
"""Of a power action, a command, or the figures of one server."""
LINE_BYTES = 4096
"""What a line of a log may have on average; of a log with longer ones only `FEW_LINES` are shown."""
FEW_LINES = 15


@guarded("control.{action}", on=ServerRow, among=ACTIONS)
async def set_power(actor: Actor, server: ServerRow, *, action: str) -> PowerAccepted:
    """Order a power action; answered once the node took it.

    Raises:
        ServerSuspended, ServerLocked: It may not be used now.
        TooManyRequests: The server got as many orders this minute as it takes.
        NodeUnreachable: The node did not answer.
        Vetoed: A plugin objects to its start.
    """
    _count_order(server)
    refuse_unusable(server)
    if action in ("start", "restart"):
        facts = {"server_id": server.id, "name": server.name, "owner_id": server.owner_id, "action": action}
        await ask("server.start", actor, facts)
    await _order(server, action)
    await _remember(actor, server, f"server.power.{action}", {})
    return PowerAccepted(action=action, accepted=True, status=server.status)


@guarded("control.command", on=ServerRow)
async def send_command(actor: Actor, server: ServerRow, *, command: str) -> CommandSent:
    """Write one line to the server's console.

    Raises:
        ServerOffline: It is not running.
        ServerSuspended, ServerLocked: It may not be used now.
        TooManyRequests: The server got as many orders this minute as it takes.
        NodeUnreachable: The node did not answer.
    """
    _count_order(server)
    refuse_unusable(server)
    try:
        await _call(server, "POST", "commands", json={"commands": [command]})
    except NodeSaidNo as error:
        if error.node_status == 502:
            raise ServerOffline from error
        raise
    await _remember(actor, server, "server.command", {"command": command})
    return CommandSent(sent=True)


@guarded("server.view", on=ServerRow)
async def load_resources(actor: Actor, server: ServerRow) -> ServerResources:
    """What the server uses right now; zeros while it is stopped.

    Raises:
        NodeUnreachable: The node did not answer.
    """
    usage = ResourceUsage()
    if server.stage == "ready":
        usage = _utilization(await _call(server, "GET", ""))
    return resources(server, usage)


@guarded("control.console", on=ServerRow)
async def load_logs(actor: Actor, server: ServerRow, *, lines: int) -> ConsoleLines:
    """The end of the console.

    Raises:
        NodeUnreachable: The node did not answer.
    """
    try:
        answer = await _end_of_log(server, lines)
    except NodeSaidTooMuch:
        answer = await _end_of_log(server, FEW_LINES)
    except NodeSaidNo:
        return ConsoleLines(lines=[])  # there is no container yet
    lines_told = answer.get("data") if isinstance(answer, dict) else None
    return ConsoleLines(lines=[str(one) for one in lines_told] if isinstance(lines_told, list) else [])


async def _end_of_log(server: ServerRow, lines: int) -> Any:
    return await _call(server, "GET", f"logs?size={lines}", max_answer_bytes=MIB + lines * LINE_BYTES)


def resources(server: ServerRow, usage: ResourceUsage) -> ServerResources:
    """A node's figures in the panel's units."""
    return ServerResources(
        status=usage.state if server.status in ("running", "starting", "stopping", "offline") else server.status,
        cpu=usage.cpu_absolute,
        memory=usage.memory_bytes,
        memory_limit=server.memory_mib * MIB or usage.memory_limit_bytes,
        disk=usage.disk_bytes,
        disk_limit=server.disk_mib * MIB,
        network=Traffic(rx=usage.network.rx_bytes, tx=usage.network.tx_bytes),
        uptime=usage.uptime // 1000,
        sampled_at=datetime.now(UTC),
    )


def _utilization(details: Any) -> ResourceUsage:
    """The figures in a node's answer.

    Raises:
        NodeSaidNo: There are none.
    """
    try:
        return ResourceUsage.model_validate(details["utilization"])
    except (TypeError, KeyError, ValidationError) as error:
        raise NodeSaidNo(200, _("its answer holds no figures")) from error


def _count_order(server: ServerRow) -> None:
    count_use(f"gameservers.orders:{server.id}", limit=ORDERS_PER_MINUTE, window_s=60)


async def _order(server: ServerRow, action: str) -> None:
    """Have the node do it; one that has not heard yet of the end of a suspension hears it first."""
    wanted = {"action": action, "wait_seconds": 30}
    try:
        await _call(server, "POST", "power", json=wanted)
    except NodeSaidNo as error:
        if error.node_status != 400 or action not in ("start", "restart"):
            raise
        await _call(server, "POST", "sync")
        await _call(server, "POST", "power", json=wanted)


async def _call(
    server: ServerRow, method: str, what: str, *, json: object = None, max_answer_bytes: int = ANSWER_BYTES
) -> Any:
    node = await NodeRow.get(id=server.node_id)
    path = f"/api/servers/{server.id}" + (f"/{what}" if what else "")
    return await call_node(node, method, path, json=json, max_answer_bytes=max_answer_bytes)


async def _remember(actor: Actor, server: ServerRow, event: str, properties: dict[str, object]) -> None:
    async with transaction() as events:
        await audit.record(events, actor, event, ("server", server.id), properties)
