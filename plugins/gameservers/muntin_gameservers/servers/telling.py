"""Telling open pages what changed of a server, in every process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from uuid import UUID

from muntin.bus import Json
from muntin.events import EventEnvelope
from muntin.pages import live
from muntin_gameservers.models import ServerRow, SubuserRow

ADMINISTRATORS = "admin"
UNREACHABLE = "unreachable"
"""What pages say of a server whose node went away: whether it runs is known to nobody then."""
STOPPED: Mapping[str, Json] = {"cpu": "\u2013", "memory": "\u2013", "memory_bytes": 0}


async def tell(server_id: UUID) -> None:
    """Show the server's state as it is now to whoever may see the server.

    Call it once the change is committed. Figures of a server that does not run are cleared.
    """
    row = await ServerRow.get_or_none(id=server_id)
    if row is None:
        return
    for channel in await channels_of(row):
        live.tell(channel, f"server:{row.id}", state=row.status)
        if row.status in ("offline", "suspended"):
            live.tell(channel, f"usage:{row.id}", values=STOPPED)


async def channels_of(row: ServerRow) -> tuple[str, ...]:
    """The streams of the owner, those who share in the server, and administrators."""
    shared = await SubuserRow.filter(server_id=row.id).values_list("account_id", flat=True)
    return (*(f"account.{one}" for one in {row.owner_id, *shared}), ADMINISTRATORS)


async def node_went(event: EventEnvelope) -> None:
    """Subscriber of `node.online` and `node.offline`: pages say of its servers what is known of them."""
    shared = defaultdict(list)
    servers = await ServerRow.filter(node_id=UUID(event.resource_id), stage="ready", is_suspended=False)
    shares = SubuserRow.filter(server_id__in=[one.id for one in servers])
    for server_id, account_id in await shares.values_list("server_id", "account_id"):
        shared[server_id].append(account_id)
    for row in servers:
        state = row.status if event.type == "node.online" else UNREACHABLE
        for channel in (*(f"account.{one}" for one in {row.owner_id, *shared[row.id]}), ADMINISTRATORS):
            live.tell(channel, f"server:{row.id}", state=state)
