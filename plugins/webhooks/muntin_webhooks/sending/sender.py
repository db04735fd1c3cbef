"""The sender of one worker: takes webhooks that have something to send, and serves each in turns."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from muntin.encryption import CannotDecrypt
from muntin.outgoing import OutgoingClient
from muntin_webhooks.deliveries.access import holding_webhooks
from muntin_webhooks.deliveries.recording import now_ms
from muntin_webhooks.models import EndpointRow
from muntin_webhooks.sending import leases
from muntin_webhooks.sending.disabling import disable, reason_to_disable
from muntin_webhooks.sending.receiver import Receiver, receiver_of
from muntin_webhooks.sending.results import ResultWriter
from muntin_webhooks.sending.turn import CONCURRENCY, Health, Turn

MOST_TURNS = 256
"""Webhooks served at the same time by one sender."""

POLL_S = 1.0
BEAT_S = leases.LEASE_S / 5
SAFE_S = leases.LEASE_S * 2 / 3
"""Without a heartbeat for so long nothing new is sent: soon another sender may take over."""

STOP_S = 3.0
"""How long it may take at the end to store what was answered."""

PAUSE_S = 30.0
"""Before a webhook that cannot be served (its destination is gone, its account was suspended) is looked at again."""

log = logging.getLogger("muntin.webhooks")


@dataclass(slots=True)
class _Held:
    """A webhook that this sender holds."""

    beat_at: float = field(default_factory=time.monotonic)
    is_stale: bool = False  # it was changed, or another sender has it
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def may_go_on(self) -> bool:
        return not self.is_stale and time.monotonic() - self.beat_at < SAFE_S


class Sender:
    """Sends until it is stopped; several may run, in one process or many.

    Args:
        concurrency: Requests to one webhook at the same time.
    """

    def __init__(self, *, client: OutgoingClient | None = None, concurrency: int = CONCURRENCY) -> None:
        self.name = f"{os.getpid()}-{secrets.token_hex(6)}"
        self._client = client or OutgoingClient(connections_per_host=2 * concurrency)
        self._concurrency = concurrency
        self._woken = asyncio.Event()
        self._turns: dict[UUID, asyncio.Task[None]] = {}
        self._held: dict[UUID, _Held] = {}
        self._paused: dict[UUID, float] = {}
        self._results = ResultWriter(self.name)

    def wake(self) -> None:
        """There may be something to send."""
        self._woken.set()
        for held in self._held.values():
            held.woken.set()

    def changed(self, endpoint_id: UUID) -> None:
        """A webhook was changed: its turn ends, and the next begins with what it is now."""
        self._paused.pop(endpoint_id, None)
        if held := self._held.get(endpoint_id):
            held.is_stale = True
        self.wake()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being sent right now."""
        return not self._turns

    @property
    def paused(self) -> Collection[UUID]:
        """Webhooks that could not be served when they were looked at last."""
        return self._paused.keys()

    async def run(self) -> None:
        """Send until cancelled; what is broken off is sent again by the next sender."""
        helpers = [asyncio.create_task(self._results.run()), asyncio.create_task(self._beat())]
        try:
            while True:
                await self._look()
                await self._wait()
        finally:
            await _cancelled(self._turns.values())
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_S):
                    await self._results.flushed()  # or the next sender would repeat what was answered
            await _cancelled(helpers)
            await self._client.close()
            await leases.let_all_go(self.name)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(POLL_S):
                await self._woken.wait()
        except TimeoutError:
            pass  # look anyway: retries become due, and a message may have been missed
        self._woken.clear()

    async def _look(self) -> None:
        room = MOST_TURNS - len(self._turns)
        if room <= 0:
            return
        try:
            claimed = await leases.claim(self.name, limit=room, now_ms=now_ms())
        except Exception:
            log.exception("could not look for deliveries")
            return
        for endpoint_id in claimed:
            if endpoint_id not in self._turns:
                task = asyncio.get_running_loop().create_task(self._serve(endpoint_id))
                self._turns[endpoint_id] = task

    async def _serve(self, endpoint_id: UUID) -> None:
        held = self._held[endpoint_id] = _Held()
        try:
            if self._paused.get(endpoint_id, 0.0) <= time.monotonic():
                await self._turn(endpoint_id, held)
            await leases.let_go(self.name, endpoint_id, now_ms=now_ms())
        except Exception:
            log.exception("could not serve webhook %s", endpoint_id)
        finally:
            del self._turns[endpoint_id], self._held[endpoint_id]
            if self._paused.get(endpoint_id, 0.0) <= time.monotonic():
                self._woken.set()

    async def _turn(self, endpoint_id: UUID, held: _Held) -> None:
        row = await EndpointRow.get_or_none(id=endpoint_id, is_enabled=True)
        receiver = _opened(row) if row else None
        if row is None or receiver is None or not await _is_allowed(row.account_id):
            self._paused[endpoint_id] = time.monotonic() + PAUSE_S
            return
        self._paused.pop(endpoint_id, None)
        health = Health(row.last_status, row.failing_since_ms)
        await Turn(
            client=self._client,
            receiver=receiver,
            results=self._results,
            health=health,
            may_go_on=lambda: held.may_go_on,
            concurrency=self._concurrency,
            woken=held.woken,
        ).serve()
        if reason := reason_to_disable(health):
            await disable(endpoint_id, reason)

    async def _beat(self) -> None:
        """Keep what is held; what was lost is no longer sent to."""
        while True:
            await asyncio.sleep(BEAT_S)
            before, ids = time.monotonic(), list(self._held)
            try:
                kept = await leases.renew(self.name, ids, now_ms=now_ms())
            except Exception:
                log.exception("could not keep hold of webhooks")
                continue
            for endpoint_id in ids:
                if held := self._held.get(endpoint_id):
                    held.beat_at = before
                    held.is_stale = held.is_stale or endpoint_id not in kept


async def _cancelled(tasks: Iterable[asyncio.Task[None]]) -> None:
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)


async def _is_allowed(account_id: UUID | None) -> bool:
    """Whether the account may still have webhooks; those of the panel always may be sent to."""
    return account_id is None or bool(await holding_webhooks([account_id]))


def _opened(row: EndpointRow) -> Receiver | None:
    try:
        return receiver_of(row)
    except CannotDecrypt:
        log.error("Webhook %s cannot be read with the panel's key", row.id)
        return None
