"""Which webhooks want an event; read from memory while nothing changed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from muntin.accounts.lookup import actor_of_account
from muntin.accounts.models import AccountRow
from muntin.database import fetch_all
from muntin_webhooks.matching import Interest, Told
from muntin_webhooks.models import EndpointRow
from muntin_webhooks.permissions import READ

OWNERS_KNOWN_S = 3.0
"""How long it may take until a suspension, or a role that lost the permission, is noticed."""

_STAMP = "SELECT COUNT(*) AS n, MAX(revision) AS newest FROM webhooks_endpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A webhook as far as recording needs to know it."""

    id: UUID
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


async def interested(event: Told) -> list[Listener]:
    """The webhooks that want the event, those that are switched off among them."""
    return [one for one in await _listeners() if one.interest.wants(event)]


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
    may_hear = await _owners({row.account_id for row in rows if row.account_id})
    return [
        Listener(id=row.id, is_enabled=row.is_enabled, interest=interest_of(row))
        for row in rows
        if row.account_id is None or row.account_id in may_hear
    ]


def interest_of(row: EndpointRow) -> Interest:
    """What the webhook wants."""
    filters = tuple((str(one["field"]), one["equals"]) for one in row.filters)
    return Interest(account_id=row.account_id, event_types=tuple(row.event_types), filters=filters)


async def _owners(ids: set[UUID]) -> set[UUID]:
    """Those whose account is open and who may (still) have webhooks."""
    rows = await AccountRow.filter(id__in=ids, status="active").select_related("role") if ids else []
    return {row.id for row in rows if actor_of_account(row, "").may(READ)}
