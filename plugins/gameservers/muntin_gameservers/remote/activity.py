"""What people did over a node's own sockets, taken into the audit log."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any
from uuid import UUID

from muntin import audit
from muntin.access import Actor
from muntin.accounts.lookup import actor_of_account
from muntin.accounts.models import AccountRow
from muntin.database import transaction
from muntin_gameservers.models import ServerRow

EVENTS = {
    "server:power.start": "server.power.start",
    "server:power.stop": "server.power.stop",
    "server:power.restart": "server.power.restart",
    "server:power.kill": "server.power.kill",
    "server:console.command": "server.command",
    "server:crashed": "server.crashed",
}
MAX_ROWS = 1000


async def keep(actor: Actor, rows: list[dict[str, Any]]) -> None:
    """Keep the rows that concern servers of the calling node; others are ignored, as the protocol says."""
    own = {str(one) for one in await ServerRow.visible_to(actor).values_list("id", flat=True)}
    people: dict[tuple[str, str], dict[str, Any]] = {}
    async with transaction() as events:
        for row in rows[:MAX_ROWS]:
            event, server, user = EVENTS.get(str(row.get("event"))), str(row.get("server")), str(row.get("user"))
            if event is None or server not in own:
                continue
            if (user, server) not in people:
                people[user, server] = await _person(user, UUID(server))
            who = Actor(kind="system", address=_address(row.get("ip")), **people[user, server])
            metadata = row.get("metadata") if isinstance(row.get("metadata"), dict) else {}
            await audit.record(events, who, event, ("server", server), metadata)


async def _person(user: str, server_id: UUID) -> dict[str, Any]:
    """The account a node names, if it may know of the server: a node cannot lay its deeds at a stranger's door."""
    account = (
        await AccountRow.get_or_none(id=identifier).select_related("role") if (identifier := _uuid(user)) else None
    )
    if account is None or not await _knows(account, server_id):
        return {"username": "node"}
    return {"account_id": account.id, "username": account.username}


async def _knows(account: AccountRow, server_id: UUID) -> bool:
    return await ServerRow.visible_to(actor_of_account(account, "")).filter(id=server_id).exists()


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _address(text: object) -> str:
    """An address as nodes tell it; nothing for what is none."""
    try:
        return str(ip_address(str(text)))
    except ValueError:
        return ""
