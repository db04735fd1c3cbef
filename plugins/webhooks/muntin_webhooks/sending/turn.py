"""One turn of one webhook: its deliveries leave, several at the same time, those of one resource in order."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from muntin.outgoing import OutgoingClient
from muntin.translation import _
from muntin_webhooks.deliveries.access import may_hear
from muntin_webhooks.deliveries.recording import now_ms
from muntin_webhooks.models import FAILED
from muntin_webhooks.sending.attempt import Outcome, attempt
from muntin_webhooks.sending.outgoing import Outgoing
from muntin_webhooks.sending.receiver import Receiver
from muntin_webhooks.sending.results import Result, ResultWriter, result_of
from muntin_webhooks.sending.waiting import read_due, read_fresh

CONCURRENCY = 16
"""Requests to one webhook at the same time while it answers well; one while it does not."""

READ_AHEAD = 64
LOOK_S = 1.0
TURN_S = 5.0
"""After this it is looked whether the webhook was changed, and others get their turn."""


@dataclass(slots=True)
class Health:
    """How the receiver does.

    Attributes:
        failing_since_ms: The first failure after the last success.
        is_gone: It said that it wants nothing more.
    """

    last_status: int | None
    failing_since_ms: int | None
    is_gone: bool = False

    def note(self, outcome: Outcome) -> bool:
        """Take in an outcome; whether anything changed."""
        since_ms = None if outcome.outcome == "delivered" else self.failing_since_ms or outcome.sent_at_ms
        changed = (self.last_status, self.failing_since_ms) != (outcome.status_code, since_ms)
        self.last_status, self.failing_since_ms = outcome.status_code, since_ms
        self.is_gone = self.is_gone or outcome.outcome == "gone"
        return changed


@dataclass(slots=True)
class Turn:
    """Sends what waits for one webhook until nothing does, or the turn is over.

    Attributes:
        may_go_on: Asked before each request: whether the webhook is still this sender's and unchanged.
        woken: Set when there may be something new to send, or a request is done.
    """

    client: OutgoingClient
    receiver: Receiver
    results: ResultWriter
    health: Health
    may_go_on: Callable[[], bool]
    concurrency: int = CONCURRENCY
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    _waiting: deque[Outgoing] = field(default_factory=deque)
    _flying: set[asyncio.Task[None]] = field(default_factory=set)
    _resources: set[tuple[str, str]] = field(default_factory=set)
    _retrying: set[int] = field(default_factory=set)
    _read_up_to: int = 0
    _ends_at: float = 0.0

    async def serve(self) -> None:
        """Return when it is over and all is stored."""
        self._ends_at = time.monotonic() + TURN_S
        try:
            while True:
                if self._goes_on and len(self._waiting) < READ_AHEAD // 2:
                    await self._read()
                self._start()
                if not self._flying:
                    break
                await self._wait()
        finally:
            for task in self._flying:
                task.cancel()
        await self.results.flushed()

    async def _wait(self) -> None:
        """Until a request is done, or there is something new to send beside those that are under way."""
        try:
            async with asyncio.timeout(LOOK_S):
                await self.woken.wait()
        except TimeoutError:
            pass  # look anyway: retries may be due
        self.woken.clear()

    @property
    def _goes_on(self) -> bool:
        return time.monotonic() < self._ends_at and self.may_go_on() and not self.health.is_gone

    async def _read(self) -> None:
        endpoint_id = self.receiver.id
        room = READ_AHEAD - len(self._waiting)
        due = await read_due(endpoint_id, now_ms=now_ms(), limit=len(self._retrying) + max(1, room // 4))
        fresh = await read_fresh(endpoint_id, after=self._read_up_to, limit=room)
        for one in [*due, *fresh]:
            number = one if isinstance(one, int) else one.number
            if number in self._retrying:
                continue
            if isinstance(one, int):
                await self._give_up(one, _("What was to be sent is no longer kept."))
            elif not await self._may_hear(one):
                await self._give_up(number, _("What happened is no longer shared with the webhook's account."))
            else:
                self._waiting.append(one)
                if one.attempts:
                    self._retrying.add(number)
        if fresh:
            last = fresh[-1]
            self._read_up_to = last if isinstance(last, int) else last.number

    def _start(self) -> None:
        """Begin what may begin: of each resource one first attempt at a time."""
        room = (1 if self.health.failing_since_ms else self.concurrency) - len(self._flying)
        if room <= 0 or not self._waiting:
            return
        held: deque[Outgoing] = deque()
        blocked: set[tuple[str, str]] = set()
        while self._waiting and room > 0 and self._goes_on:
            one = self._waiting.popleft()
            resource = (one.resource_type, one.resource_id)
            if not one.attempts and (resource in self._resources or resource in blocked):
                blocked.add(resource)
                held.append(one)
                continue
            self._fly(one, resource)
            room -= 1
        if self._goes_on:
            held.extend(self._waiting)
            self._waiting = held
        else:
            self._waiting.clear()  # stored, and read again at the next turn

    def _fly(self, one: Outgoing, resource: tuple[str, str]) -> None:
        if not one.attempts:
            self._resources.add(resource)
        task = asyncio.get_running_loop().create_task(self._attempt(one, resource))
        self._flying.add(task)
        task.add_done_callback(self._landed)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._flying.discard(task)
        self.woken.set()

    async def _attempt(self, one: Outgoing, resource: tuple[str, str]) -> None:
        outcome = await attempt(self.client, self.receiver, one)
        if not one.attempts:
            self._resources.discard(resource)
        delay_s = self.receiver.schedule.delay_s(one.attempts + 1, asked_s=outcome.wait_s)
        result = result_of(self.receiver.id, one, outcome, delay_s=delay_s, now_ms=now_ms())
        if self.health.note(outcome):
            result = replace(result, health=(self.health.last_status, self.health.failing_since_ms))
        await self.results.put(result)

    async def _may_hear(self, one: Outgoing) -> bool:
        """Whether the account may learn of it still: it may have waited for days."""
        return await may_hear(self.receiver.account_id, one.concerned, one.type, one.version, one.resource_id)

    async def _give_up(self, number: int, error: str) -> None:
        """A delivery that is not sent at all."""
        outcome = Outcome(outcome="failed", error=error, sent_at_ms=now_ms())
        over = Result(
            endpoint_id=self.receiver.id, number=number, state=FAILED, due_at_ms=None, outcome=outcome, history=()
        )
        await self.results.put(over)
