"""Which webhooks want an event; read from memory while nothing changed."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from muntin.database import fetch_all
from muntin.events import EventEnvelope, shared_with
from muntin_webhooks.deliveries.access import holding_webhooks
from muntin_webhooks.matching import Interest
from muntin_webhooks.models import EndpointRow

OWNERS_KNOWN_S = 3.0
"""How long it may take until a suspension, or a role that lost the permission, is noticed."""

_STAMP = "SELECT COUNT(*) AS n, MAX(revision) AS newest FROM webhooks_endpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A webhook as far as recording needs to know it."""

    id: UUID
    account_id: UUID | None
    is_enabled: bool
    interest: Interest


@dataclass(frozen=True, slots=True)
class _Known:
    stamp: tuple[int, int | None]
    read_at: float
    listeners: tuple[Listener, ...]


_known: _Known | None = None


def forget() -> None:
    """Read everything anew at the next event; another database may be open."""
    global _known  # of the one panel of this process
    _known = None


async def interested(event: EventEnvelope, concerned: Collection[UUID]) -> list[Listener]:
    """The webhooks that want the event and may hear of it, those that are switched off among them.

    Args:
        concerned: The accounts that the event itself names; those its resource is shared with are asked for here.
    """
    wanting = [one for one in await _listeners() if one.interest.wants(event)]
    allowed: set[UUID | None] = {None, *concerned}
    if any(one.account_id not in allowed for one in wanting):
        allowed |= await shared_with(event.type, event.version, event.resource_id)
    return [one for one in wanting if one.account_id in allowed]


async def _listeners() -> Sequence[Listener]:
    global _known  # of the one panel of this process
    [row] = await fetch_all(_STAMP)
    stamp = (row["n"], row["newest"])
    now = time.monotonic()
    if _known is None or _known.stamp != stamp or now - _known.read_at > OWNERS_KNOWN_S:
        _known = _Known(stamp, now, tuple(await _read()))
    return _known.listeners


async def _read() -> list[Listener]:
    rows = await EndpointRow.all().order_by("id")
    owners: set[UUID | None] = {None, *await holding_webhooks(row.account_id for row in rows if row.account_id)}
    return [
        Listener(id=row.id, account_id=row.account_id, is_enabled=row.is_enabled, interest=interest_of(row))
        for row in rows
        if row.account_id in owners
    ]


def interest_of(row: EndpointRow) -> Interest:
    """What the webhook wants."""
    filters = tuple((str(one["field"]), one["equals"]) for one in row.filters)
    return Interest(event_types=tuple(row.event_types), filters=filters)
