"""What pages say of servers whose node went away: whether they run is known to nobody then."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from muntin.nodes.models import SEEN_WITHIN, NodeRow
from muntin_gameservers.schemas import Server
from muntin_gameservers.servers.listing import POWER
from muntin_gameservers.servers.telling import UNREACHABLE


async def away_nodes() -> frozenset[UUID]:
    """Nodes that were heard of, but not lately; those in maintenance are expected to be away."""
    silent = NodeRow.filter(last_seen_at__lt=datetime.now(UTC) - SEEN_WITHIN, maintenance_mode=False)
    return frozenset(await silent.values_list("id", flat=True))  # type: ignore[arg-type]  # one column: plain ids


def shown_status(server: Server, away: frozenset[UUID]) -> str:
    """The state as a page shows it: that of the server, unless it may have changed unheard."""
    return UNREACHABLE if server.node_id in away and server.status in POWER else server.status
