"""One-time tickets for console sockets."""

from __future__ import annotations

import secrets
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from muntin.access import Actor, Grants, guarded
from muntin.accounts.lookup import is_unchanged
from muntin.database import transaction
from muntin.errors import NotAuthenticated
from muntin.runtime import panel
from muntin_gameservers.models import ServerRow, TicketRow
from muntin_gameservers.schemas import Ticket

LIVES = timedelta(seconds=60)
_IDS = ("account_id", "session_id", "key_id", "node_id")


@guarded("control.console", on=ServerRow)
async def issue_ticket(actor: Actor, server: ServerRow) -> Ticket:
    """A ticket that opens this server's console once, within a minute, as the same actor."""
    ticket = secrets.token_urlsafe(32)
    expires_at = datetime.now(UTC) + LIVES
    await TicketRow.create(digest=_digest(ticket), server_id=server.id, actor=_stored(actor), expires_at=expires_at)
    base = panel().configuration.public_url.replace("http", "ws", 1)
    url = f"{base}/api/v1/servers/{server.id}/ws?ticket={ticket}"
    return Ticket(ticket=ticket, url=url, expires_at=expires_at)


@guarded(None)
async def redeem_ticket(actor: Actor, *, ticket: str, server_id: UUID) -> Actor:
    """The actor a ticket was issued to; the ticket is used up, also when two come at once.

    Raises:
        NotAuthenticated: Unknown, used, too old, for another server, or its actor may not do the same any more.
    """
    async with transaction():
        row = await TicketRow.get_or_none(digest=_digest(ticket))
        used = row is not None and bool(await TicketRow.filter(id=row.id).delete())
    if row is None or not used or row.expires_at < datetime.now(UTC) or row.server_id != server_id:
        raise NotAuthenticated
    restored = _restored(row.actor, address=actor.address)
    if not await is_unchanged(restored):  # signed out, suspended, another role: what was taken away stays away
        raise NotAuthenticated
    return restored


def _digest(ticket: str) -> str:
    return sha256(ticket.encode()).hexdigest()


def _stored(actor: Actor) -> dict[str, Any]:
    values: dict[str, Any] = {field.name: getattr(actor, field.name) for field in fields(actor)}
    for name in _IDS:
        values[name] = str(values[name]) if values[name] else None
    values["grants"] = sorted(actor.grants.keys)
    values["scopes"] = None if actor.scopes is None else sorted(actor.scopes.keys)
    return values


def _restored(values: dict[str, Any], *, address: str) -> Actor:
    ids = {name: UUID(values[name]) if values[name] else None for name in _IDS}
    scopes = None if values["scopes"] is None else Grants(values["scopes"])
    return Actor(**{**values, **ids, "grants": Grants(values["grants"]), "scopes": scopes, "address": address})
