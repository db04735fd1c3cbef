"""Carrying a move out: the old node is told, and afterwards both are brought to what was decided."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from muntin.access import Actor
from muntin.database import compare_and_set
from muntin.errors import Conflict, MuntinError, NodeRefused, NodeTimeout, NodeUnreachable
from muntin.jobs import JobContext, Task
from muntin.nodes.client import NodeSaidNo, call_node
from muntin.nodes.models import NodeRow
from muntin.nodes.tokens import sign_for_node
from muntin.translation import _
from muntin_gameservers.models import ServerRow, TransferRow
from muntin_gameservers.servers.transfers.ending import AFTERWARDS, fail
from muntin_gameservers.servers.transfers.finding import OPEN
from muntin_gameservers.servers.transfers.ordering import TRANSFER

ATTEMPTS = 5
AFTERWARDS_ATTEMPTS = 7
TOKEN_S = 15 * 60
ACCEPT_WITHIN_S = 30.0  # a node of the protocol may stop the server before it answers, for which it has 15 s
ALREADY = 409


async def transfer(context: JobContext, *, transfer_id: str) -> None:
    """Have the node that has the server send it to the other one; how that ends, the nodes report themselves."""
    row = await TransferRow.get_or_none(id=UUID(transfer_id), state__in=OPEN)
    if row is None:
        return
    rows = TransferRow.filter(id=row.id)
    is_first = await compare_and_set(rows.filter(state="pending"), state="running", updated_at=datetime.now(UTC))
    if not is_first and not await rows.filter(state="running").exists():
        return
    try:
        await _tell_source(row)
    except NodeSaidNo as error:
        if error.node_status != ALREADY or is_first:
            await _fail(row, error.message)
    except (NodeUnreachable, NodeTimeout) as error:
        if context.attempt < ATTEMPTS:
            raise
        await _fail(row, error.message)
    except NodeRefused as error:
        await _fail(row, error.message)


async def _tell_source(row: TransferRow) -> None:
    source, target = await NodeRow.get(id=row.source_node_id), await NodeRow.get(id=row.target_node_id)
    server_id = str(row.server_id)
    body = {
        "url": f"{target.base_url}/api/transfers",
        "token": f"Bearer {transfer_token(target, row.server_id)}",
        "server_id": server_id,
        "server": {"uuid": server_id, "start_on_completion": False},
    }
    await call_node(source, "POST", f"/api/servers/{server_id}/transfer", json=body, timeout_s=ACCEPT_WITHIN_S)


def transfer_token(target: NodeRow, server_id: UUID) -> str:
    """With which a node brings a server to another one (the protocol's transfer JWT)."""
    jti = sha256(str(server_id).encode()).hexdigest()
    return sign_for_node(target, jti=jti, lives_s=TOKEN_S, claims={"sub": str(server_id), "scope": "transfer"})


async def _fail(row: TransferRow, reason: str) -> None:
    await fail(row.server_id, reason, actor=Actor.system(), transfer_id=row.id)


async def after_transfer(context: JobContext, *, transfer_id: str) -> None:
    """Have the old node give up a move that failed; start the server again if it ran before."""
    row = await TransferRow.get_or_none(id=UUID(transfer_id))
    if row is None or row.state in OPEN:
        return
    if row.state == "failed":
        await _cancel_at_source(row)
    server = await ServerRow.get_or_none(id=row.server_id, stage="ready", is_suspended=False)
    if server is None or not row.was_running:
        return
    try:
        await _start(server)
    except MuntinError as error:
        if context.attempt == AFTERWARDS_ATTEMPTS:
            await ServerRow.filter(id=server.id, stage="ready").update(problem=error.message)
        raise


async def _cancel_at_source(row: TransferRow) -> None:
    node = await NodeRow.get_or_none(id=row.source_node_id)
    if node is None or not await ServerRow.exists(id=row.server_id, node_id=node.id, stage="ready"):
        return  # it is gone, or moved again
    with suppress(NodeSaidNo):  # it sends nothing any more
        await call_node(node, "DELETE", f"/api/servers/{row.server_id}/transfer")


async def _start(server: ServerRow) -> None:
    """Order a start once the node lets go of the server; one that runs is left alone."""
    node = await NodeRow.get(id=server.node_id)
    path = f"/api/servers/{server.id}"
    details = await call_node(node, "GET", path)
    found: dict[str, Any] = details if isinstance(details, dict) else {}
    if found.get("state") in ("starting", "running"):
        return
    if found.get("is_transferring") or found.get("state") == "stopping":
        raise Conflict(_("The node is still busy with the server after it was moved."))
    await call_node(node, "POST", f"{path}/power", json={"action": "start", "wait_seconds": 30})


JOBS = (
    Task(name=TRANSFER, handler=transfer, max_attempts=ATTEMPTS, backoff_s=2, timeout_s=90),
    Task(name=AFTERWARDS, handler=after_transfer, max_attempts=AFTERWARDS_ATTEMPTS, backoff_s=1, timeout_s=60),
)
