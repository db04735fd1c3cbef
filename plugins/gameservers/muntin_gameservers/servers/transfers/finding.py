"""Which moves are under way, and what they keep for a server."""

from __future__ import annotations

from uuid import UUID

from tortoise.expressions import Q

from muntin_gameservers.models import ServerRow, TransferRow

OPEN = ("pending", "running")
"""States of moves that are not over."""


async def locked_server(server_id: UUID) -> ServerRow | None:
    """A server for the caller's transaction alone; whatever begins or ends a move takes this lock first."""
    return await ServerRow.select_for_update().get_or_none(id=server_id)


async def open_transfer(server_id: UUID) -> TransferRow | None:
    """The move of a server that is not over."""
    return await TransferRow.filter(server_id=server_id, state__in=OPEN).first()


async def latest_transfer(server_id: UUID) -> TransferRow | None:
    """The last move of a server, over or not."""
    return await TransferRow.filter(server_id=server_id).order_by("-created_at").first()


async def incoming_transfer(server_id: UUID, node_id: UUID | None) -> TransferRow | None:
    """The move that brings a server to a node, once the node it comes from was told."""
    return await TransferRow.get_or_none(server_id=server_id, target_node_id=node_id, state="running")


async def takes_part(server_id: UUID, node_id: UUID | None) -> bool:
    """Whether a move of the server, over or not, leads from or to the node."""
    either = Q(source_node_id=node_id) | Q(target_node_id=node_id)
    return await TransferRow.filter(either, server_id=server_id).exists()


async def running_at(node_id: UUID | None) -> list[TransferRow]:
    """The moves under way from or to a node."""
    return await TransferRow.filter(Q(source_node_id=node_id) | Q(target_node_id=node_id), state="running")
