"""Figures of running servers, from the nodes' lines to open pages: at most one message per server every five seconds.

A node half sends topic `gameservers.usage` with `{"servers": {uuid: ResourceUsage}}`; nodes without that line
(Wings) send nothing, and their servers' cards show no figures.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from muntin.bus import Json
from muntin.pages import live
from muntin_gameservers.contract import ResourceUsage
from muntin_gameservers.models import ServerRow
from muntin_gameservers.servers.telling import channels_of

TOPIC = "gameservers.usage"
EVERY_S = 4.5  # nodes report every 5 s, give or take
KNOWN_S = 30.0
MOST_KNOWN = 20_000
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Audience:
    """Who is told of a server; kept for a while, so that figures cost no query."""

    node_id: UUID
    channels: tuple[str, ...]
    until: float  # on the monotonic clock


@dataclass(slots=True)
class UsageTeller:
    """Hears what nodes report and tells it to pages; one for each process."""

    _known: dict[UUID, _Audience] = field(default_factory=dict)
    _told: dict[UUID, float] = field(default_factory=dict)

    async def hear(self, topic: str, data: Json) -> None:
        """A message of topic `node.<node id>.gameservers.usage`; what is not in its form is passed over."""
        node_id = _identifier(topic.removeprefix("node.").removesuffix(f".{TOPIC}"))
        servers = data.get("servers") if isinstance(data, dict) else None
        if node_id is None or not isinstance(servers, dict):
            return
        for text, figures in servers.items():
            server_id, usage = _identifier(text), _usage(figures)
            if server_id is not None and usage is not None:
                await self._tell(node_id, server_id, usage)

    def forget(self, data: Json) -> None:
        """A message of topic `gameservers.access`: where the server is and who is told of it is looked up anew."""
        server_id = _identifier(str(data.get("server_id"))) if isinstance(data, dict) else None
        if server_id is not None:
            self._known.pop(server_id, None)

    def _is_due(self, server_id: UUID) -> bool:
        now = time.monotonic()
        if now - self._told.get(server_id, -EVERY_S) < EVERY_S:
            return False
        if len(self._told) >= MOST_KNOWN:
            self._told.clear()
        self._told[server_id] = now
        return True

    async def _tell(self, node_id: UUID, server_id: UUID, usage: ResourceUsage) -> None:
        audience = await self._audience(server_id)
        if audience is None or audience.node_id != node_id:
            return  # a node speaks for its own servers only, and uses up nobody else's turn
        if not self._is_due(server_id):
            return
        for channel in audience.channels:
            live.tell(channel, f"usage:{server_id}", values=words(usage))

    async def _audience(self, server_id: UUID) -> _Audience | None:
        known = self._known.get(server_id)
        if known is not None and known.until > time.monotonic():
            return known
        row = await ServerRow.get_or_none(id=server_id)
        if row is None:
            return None
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        found = _Audience(row.node_id, await channels_of(row), time.monotonic() + KNOWN_S)
        self._known[server_id] = found
        return found


def words(usage: ResourceUsage) -> Mapping[str, Json]:
    """Figures as cards show them; `memory_bytes` is for the bar."""
    return {
        "cpu": f"{usage.cpu_absolute:.0f} %",
        "memory": f"{usage.memory_bytes / MIB:.0f} MiB",
        "memory_bytes": usage.memory_bytes,
    }


def _identifier(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _usage(figures: Any) -> ResourceUsage | None:
    try:
        return ResourceUsage.model_validate(figures)
    except ValidationError:
        return None
