"""Moves that nobody will end any more: both nodes were asked, and know of none."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from muntin import clock
from muntin.access import Actor
from muntin.errors import MuntinError
from muntin.nodes.client import NodeSaidNo, call_node
from muntin.nodes.models import NodeRow
from muntin.translation import _
from muntin_gameservers.models import TransferRow
from muntin_gameservers.servers.transfers.ending import fail

QUIET_AFTER = timedelta(minutes=2)
"""As long as the job that begins a move may take."""
NEVER_BEGUN_AFTER = timedelta(minutes=10)
GIVEN_UP_AFTER = timedelta(hours=24)
"""For nodes that do not say what they move (Wings): longer than any move takes."""


async def end_forgotten() -> None:
    """End moves that never began, and those of which neither node knows."""
    now = clock.now()
    for row in await TransferRow.filter(state="pending", created_at__lt=now - NEVER_BEGUN_AFTER):
        await _end(row, _("The move did not begin in time."))
    for row in await TransferRow.filter(state="running", updated_at__lt=now - QUIET_AFTER):
        if await _is_forgotten(row, now):
            await _end(row, _("Neither of the nodes knows of the move any more."))


async def _is_forgotten(row: TransferRow, now: datetime) -> bool:
    source = await _details(row, row.source_node_id)
    if source is None:
        return False
    says = source.get("is_transferring")
    if says is None:
        return row.created_at < now - GIVEN_UP_AFTER
    return not says and await _details(row, row.target_node_id) == {}


async def _details(row: TransferRow, node_id: Any) -> dict[str, Any] | None:
    """What a node says of the server: nothing where it knows none, `None` where that is not known."""
    node = await NodeRow.get_or_none(id=node_id)
    if node is None:
        return {}
    try:
        answer = await call_node(node, "GET", f"/api/servers/{row.server_id}")
    except NodeSaidNo as error:
        return {} if error.node_status == 404 else None
    except MuntinError:
        return None
    return answer if isinstance(answer, dict) else None


async def _end(row: TransferRow, reason: str) -> None:
    await fail(row.server_id, reason, actor=Actor.system(), transfer_id=row.id)
