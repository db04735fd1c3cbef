"""What game servers answer when the core asks: what they take, who owns them, what may not be deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from tortoise.functions import Count

from muntin.contributions import Objection, Promised
from muntin.events import EventEnvelope
from muntin.translation import _
from muntin_gameservers.models import AllocationRow, LeftoverRow, ServerRow, SubuserRow, TransferRow
from muntin_gameservers.servers.promised import promised_of
from muntin_gameservers.servers.transfers.finding import OPEN


async def promised(node_ids: Sequence[UUID]) -> Mapping[UUID, Promised]:
    """What the servers of each node, and those on their way to it, were promised, in one query."""
    return await promised_of(node_ids)


async def count_servers(account_ids: Sequence[UUID]) -> Mapping[UUID, int]:
    """How many servers each account owns, in one query."""
    if not account_ids:
        return {}
    rows = ServerRow.filter(owner_id__in=list(account_ids)).annotate(servers=Count("id")).group_by("owner_id")
    return {row["owner_id"]: row["servers"] for row in await rows.values("owner_id", "servers")}


async def account_may_go(account_id: UUID | int) -> tuple[Objection, ...]:
    """An account that owns servers stays."""
    servers = await ServerRow.filter(owner_id=account_id).count()
    if not servers:
        return ()
    return (Objection(reason=_("The account owns {count} game servers.", count=servers)),)


async def node_may_go(node_id: UUID | int) -> tuple[Objection, ...]:
    """A node stays that has servers, or to which one is on its way."""
    servers = await ServerRow.filter(node_id=node_id).count()
    coming = await TransferRow.filter(target_node_id=node_id, state__in=OPEN).count()
    found = []
    if servers:
        found.append(Objection(reason=_("{count} game servers are on the node.", count=servers)))
    if coming:
        found.append(Objection(reason=_("{count} game servers are being moved to the node.", count=coming)))
    return tuple(found)


async def node_deleted(event: EventEnvelope) -> None:
    """Subscriber of `node.deleted`: the addresses of a node go after it, and nothing is to be removed there."""
    await AllocationRow.filter(node_id=UUID(event.resource_id)).delete()
    await LeftoverRow.filter(node_id=UUID(event.resource_id)).delete()


async def account_deleted(event: EventEnvelope) -> None:
    """Subscriber of `user.deleted`: who is gone shares in nothing any more."""
    await SubuserRow.filter(account_id=UUID(event.resource_id)).delete()
