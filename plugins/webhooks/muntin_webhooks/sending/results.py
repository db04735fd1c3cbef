"""Storing what came of attempts: many at once, as soon as the store is free."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from muntin.api.json import dumps
from muntin.database import database_dialect, execute, transaction
from muntin_webhooks.models import FAILED, FRESH, RETRY, SUCCESS
from muntin_webhooks.sending.attempt import Outcome
from muntin_webhooks.sending.leases import held
from muntin_webhooks.sending.outgoing import Outgoing

MOST_AT_ONCE = 100
PAUSE_S = 0.5
KEPT_ATTEMPTS = 30

_STORE = f"""
WITH v (number, state, due_at_ms, sent_at_ms, status_code, response_ms, error, response, history) AS (VALUES {{rows}})
UPDATE webhooks_delivery SET state = v.state, attempts = attempts + 1, due_at_ms = v.due_at_ms,
    sent_at_ms = v.sent_at_ms, status_code = v.status_code, response_ms = v.response_ms, error = v.error,
    response = v.response, history = {{history}}
FROM v WHERE webhooks_delivery.number = v.number AND webhooks_delivery.state IN ('{FRESH}', '{RETRY}')
"""  # noqa: S608 - our own constants
_KINDS = ("BIGINT", "TEXT", "BIGINT", "BIGINT", "INTEGER", "INTEGER", "TEXT", "TEXT", "TEXT")
_ROW = f"({', '.join(f'CAST(? AS {kind})' for kind in _KINDS)})"
_HISTORY = {"sqlite": "v.history", "postgres": "CAST(v.history AS JSONB)"}
_HEALTH = "UPDATE webhooks_endpoint SET last_status = ?, failing_since_ms = ? WHERE id = ?"

log = logging.getLogger("muntin.webhooks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What is to be stored of a delivery.

    Attributes:
        due_at_ms: Of the next attempt; none when it is over.
        health: Last status of the webhook and since when it fails, where that changed.
    """

    endpoint_id: UUID
    number: int
    state: str
    due_at_ms: int | None
    outcome: Outcome
    history: Sequence[Any]
    health: tuple[int | None, int | None] | None = None

    @property
    def values(self) -> list[object]:
        """In the order of `_STORE`."""
        out = self.outcome
        history = dumps(list(self.history)[-KEPT_ATTEMPTS:]).decode() if self.history else None
        return [self.number, self.state, self.due_at_ms or 0, out.sent_at_ms, out.status_code, out.response_ms,
                out.error, out.response, history]  # fmt: skip


def result_of(endpoint_id: UUID, one: Outgoing, outcome: Outcome, *, delay_s: float | None, now_ms: int) -> Result:
    """What an attempt makes of a delivery.

    Args:
        delay_s: Until the next attempt; `None` when there is none.
    """
    result = partial(Result, endpoint_id=endpoint_id, number=one.number, outcome=outcome)
    if outcome.outcome == "delivered":
        return result(state=SUCCESS, due_at_ms=None, history=one.history)
    this = {"at_ms": outcome.sent_at_ms, "status_code": outcome.status_code, "response_ms": outcome.response_ms,
            "error": outcome.error}  # fmt: skip
    history = [*one.history, this]
    if delay_s is None or outcome.outcome == "gone":
        return result(state=FAILED, due_at_ms=None, history=history)
    return result(state=RETRY, due_at_ms=now_ms + int(delay_s * 1000), history=history)


async def store(results: Sequence[Result]) -> None:
    """Store them in one statement; a delivery that is over already stays as it is."""
    if not results:
        return
    values = [value for one in results for value in one.values]
    sql = _STORE.format(rows=", ".join([_ROW] * len(results)), history=_HISTORY[database_dialect()])
    await execute(sql, values)
    for endpoint_id, health in {one.endpoint_id: one.health for one in results if one.health}.items():
        await execute(_HEALTH, [*health, endpoint_id])


class ResultWriter:
    """Takes results from many tasks and stores them in batches; what was taken is stored before `flushed` returns.

    What came of a webhook that another sender took over meanwhile is left out: that one has read what is to be sent,
    and a success that it does not know of would be followed by a repetition.

    Args:
        sender: Whose webhooks these are.
    """

    def __init__(self, sender: str) -> None:
        self._sender = sender
        self._waiting: list[Result] = []
        self._taken = 0
        self._stored = 0
        self._arrived = asyncio.Event()
        self._stored_some = asyncio.Condition()

    async def put(self, result: Result) -> None:
        """Have it stored soon; waits while the store is far behind."""
        if len(self._waiting) >= 4 * MOST_AT_ONCE:
            async with self._stored_some:
                await self._stored_some.wait_for(lambda: len(self._waiting) < 4 * MOST_AT_ONCE)
        self._waiting.append(result)
        self._taken += 1
        self._arrived.set()

    async def flushed(self) -> None:
        """Wait until all that was put so far is stored."""
        wanted = self._taken
        async with self._stored_some:
            await self._stored_some.wait_for(lambda: self._stored >= wanted)

    async def run(self) -> None:
        """Store for ever; a store that is away is tried again."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while batch := self._waiting[:MOST_AT_ONCE]:
                await self._store(batch)
                del self._waiting[: len(batch)]
                self._stored += len(batch)
                async with self._stored_some:
                    self._stored_some.notify_all()

    async def _store(self, batch: Sequence[Result]) -> None:
        while True:
            try:
                async with transaction():
                    ours = await held(self._sender, {one.endpoint_id for one in batch})
                    await store([one for one in batch if one.endpoint_id in ours])
                return
            except Exception:
                log.exception("could not store what became of deliveries")
                await asyncio.sleep(PAUSE_S)
