"""Which sender sends to which webhook. One alone does at a time, so order and limits need no further agreement."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from muntin.database import database_dialect, execute, fetch_all, read_uuid
from muntin_webhooks.models import FRESH, RETRY

LEASE_S = 15.0

_WITH_WORK = f"""
    e.is_enabled = ? AND (e.leased_until_ms <= ? OR e.leased_by IS NULL)
    AND (EXISTS (SELECT 1 FROM webhooks_delivery d WHERE d.endpoint_id = e.id AND d.state = '{FRESH}')
      OR EXISTS (SELECT 1 FROM webhooks_delivery d WHERE d.endpoint_id = e.id AND d.state = '{RETRY}'
                 AND d.due_at_ms <= ?))
"""  # noqa: S608 - our own constants
_CLAIM = f"""
UPDATE webhooks_endpoint SET leased_by = ?, leased_until_ms = ?
WHERE id IN (
    SELECT e.id FROM webhooks_endpoint e WHERE {_WITH_WORK} ORDER BY e.leased_until_ms, e.id LIMIT ? {{locking}})
RETURNING id
"""  # noqa: S608 - our own constants
_CLAIMS = {"sqlite": _CLAIM.format(locking=""), "postgres": _CLAIM.format(locking="FOR NO KEY UPDATE OF e SKIP LOCKED")}
_HELD = "SELECT id FROM webhooks_endpoint WHERE leased_by = ? AND id IN ({places}) ORDER BY id"
_LOCKED = {"sqlite": _HELD, "postgres": f"{_HELD} FOR NO KEY UPDATE"}
_RENEW = "UPDATE webhooks_endpoint SET leased_until_ms = ? WHERE id IN ({held}) RETURNING id"
_LET_GO = "UPDATE webhooks_endpoint SET leased_by = NULL, leased_until_ms = ? WHERE id = ? AND leased_by = ?"
_LET_ALL_GO = "UPDATE webhooks_endpoint SET leased_by = NULL WHERE leased_by = ?"


async def claim(sender: str, *, limit: int, now_ms: int) -> list[UUID]:
    """Webhooks that have something to send and that no other sender holds; those served longest ago first."""
    values = [sender, now_ms + int(LEASE_S * 1000), True, now_ms, now_ms, limit]
    return [read_uuid(row["id"]) for row in await fetch_all(_CLAIMS[database_dialect()], values)]


async def renew(sender: str, ids: Sequence[UUID], *, now_ms: int) -> set[UUID]:
    """Say that the sender is alive; the webhooks it still holds."""
    if not ids:
        return set()
    rows = await fetch_all(_RENEW.format(held=_locked(ids)), [now_ms + int(LEASE_S * 1000), sender, *ids])
    return {read_uuid(row["id"]) for row in rows}


async def held(sender: str, ids: Collection[UUID]) -> set[UUID]:
    """Those that the sender holds, and that nobody takes over before the transaction ends."""
    return {read_uuid(row["id"]) for row in await fetch_all(_locked(ids), [sender, *ids])} if ids else set()


def _locked(ids: Collection[UUID]) -> str:
    return _LOCKED[database_dialect()].format(places=", ".join(["?"] * len(ids)))


async def let_go(sender: str, endpoint_id: UUID, *, now_ms: int) -> None:
    """Give a webhook back."""
    await execute(_LET_GO, [now_ms, endpoint_id, sender])


async def let_all_go(sender: str) -> None:
    """Give everything back."""
    await execute(_LET_ALL_GO, [sender])
