"""What nodes tell the panel, and what the panel concludes: health, online, offline."""

from __future__ import annotations

import asyncio
import logging
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tortoise.exceptions import BaseORMException

from muntin.access import Actor, guarded
from muntin.bus import Json
from muntin.database import transaction
from muntin.errors import MuntinError, NotAuthenticated
from muntin.nodes.client import FACTS_BYTES, call_node
from muntin.nodes.events import NodeFailing, NodeOffline, NodeOnline
from muntin.nodes.halves import halves_of, mismatch
from muntin.nodes.models import SEEN_WITHIN, NodeRow
from muntin.runtime import panel

log = logging.getLogger("muntin.nodes")
LOOK_EVERY_S = 5.0
STATUS_TOPIC = "nodes.status"
"""Of the bus: `{"id", "status"}` of a node whose status is another one now."""
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,120}")
ASK_AFTER = timedelta(seconds=15)  # a node that keeps no socket to us (Wings) is asked


@guarded("node.report")
async def take_health(actor: Actor, report: dict[str, Any]) -> None:
    """Keep what a node says of itself, and note that it lives.

    Raises:
        NotAuthenticated: The node was removed.
    """
    changed = await NodeRow.filter(id=actor.node_id).update(
        report=report,
        daemon_version=str(report.get("version", ""))[:64] or None,
        problem=_problem(actor.username, report),
        last_seen_at=datetime.now(UTC),
    )
    if not changed:
        raise NotAuthenticated


@guarded("node.report")
async def pass_on(actor: Actor, topic: str, data: Json) -> None:
    """Give a node's message to whoever of the panel's processes listens for it; what is no topic is passed over."""
    if _TOPIC.fullmatch(topic):
        panel().bus.publish(f"node.{actor.node_id}.{topic}", data)


def send_to_node(node_id: UUID, topic: str, data: Json) -> None:
    """Send a message to a node over the socket it keeps open; lost when it keeps none."""
    panel().bus.publish(f"to-node.{node_id}", {"topic": topic, "data": data})


def _problem(node_name: str, report: dict[str, Any]) -> str:
    found = []
    for half in halves_of(NodeRow(name=node_name, report=report)):
        if half.state == "mismatch":
            found.append(mismatch(half))
        elif half.error:
            found.append(f"{half.name}: {half.error}")
    return "; ".join(found)[:2000]


async def watch_nodes() -> None:
    """Look at the nodes every few seconds, for ever; runs in one task of the worker."""
    while True:
        try:
            await look_at_nodes()
        except (OSError, BaseORMException, MuntinError):
            log.warning("Could not look at the nodes; trying again", exc_info=True)
        await asyncio.sleep(LOOK_EVERY_S)


async def look_at_nodes() -> None:
    """Ask nodes that keep no socket, and record which came and went."""
    silent = datetime.now(UTC) - ASK_AFTER
    quiet = [row for row in await NodeRow.all() if row.last_seen_at is None or row.last_seen_at < silent]
    await asyncio.gather(*(_ask(row) for row in quiet))
    for row in await NodeRow.all():
        await _announce(row)


async def _ask(row: NodeRow) -> None:
    try:
        figures = await call_node(row, "GET", "/api/system", timeout_s=4, max_answer_bytes=FACTS_BYTES)
    except MuntinError:
        return  # it stays unseen, which is what its status is made of
    version = str(figures.get("version", ""))[:64] if isinstance(figures, dict) else None
    await NodeRow.filter(id=row.id).update(
        last_seen_at=datetime.now(UTC), daemon_version=version, updated_at=row.updated_at
    )


async def _announce(row: NodeRow) -> None:
    seen = row.last_seen_at is not None and row.last_seen_at >= datetime.now(UTC) - SEEN_WITHIN
    now = ("error" if row.problem else "online") if seen else "offline"
    if now == row.announced:
        return
    async with transaction() as events:
        if not await NodeRow.filter(id=row.id, announced=row.announced).update(announced=now):
            return  # another worker was faster
        if now == "online":
            events.add(NodeOnline(node_id=row.id, name=row.name))
        elif now == "offline":
            events.add(NodeOffline(node_id=row.id, name=row.name))
        else:
            events.add(NodeFailing(node_id=row.id, name=row.name, problem=row.problem))
        events.after_commit(lambda: tell_status(row))


def tell_status(row: NodeRow) -> None:
    """Tell open pages how a node is; call it once the change is committed."""
    panel().bus.publish(STATUS_TOPIC, {"id": str(row.id), "status": row.status})
