"""What game servers answer when the core asks: what they take, who owns them, what may not be deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from tortoise.functions import Count, Sum

from muntin.contributions import Objection, Promised
from muntin.events import EventEnvelope
from muntin.translation import _
from muntin_gameservers.models import AllocationRow, ServerRow, SubuserRow


async def promised(node_ids: Sequence[UUID]) -> Mapping[UUID, Promised]:
    """What the servers of each node were promised, in one query."""
    if not node_ids:
        return {}
    rows = await (
        ServerRow.filter(node_id__in=list(node_ids))
        .annotate(memory=Sum("memory_mib"), disk=Sum("disk_mib"), cpu=Sum("cpu_percent"), servers=Count("id"))
        .group_by("node_id")
        .values("node_id", "memory", "disk", "cpu", "servers")
    )
    return {
        row["node_id"]: Promised(
            memory_mib=int(row["memory"]),
            disk_mib=int(row["disk"]),
            cpu_percent=int(row["cpu"]),
            workloads=row["servers"],
        )
        for row in rows
    }


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
    """A node with servers stays."""
    servers = await ServerRow.filter(node_id=node_id).count()
    return (Objection(reason=_("{count} game servers are on the node.", count=servers)),) if servers else ()


async def node_deleted(event: EventEnvelope) -> None:
    """Subscriber of `node.deleted`: the addresses of a node go after it."""
    await AllocationRow.filter(node_id=UUID(event.resource_id)).delete()


async def account_deleted(event: EventEnvelope) -> None:
    """Subscriber of `user.deleted`: who is gone shares in nothing any more."""
    await SubuserRow.filter(account_id=UUID(event.resource_id)).delete()
