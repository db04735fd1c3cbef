"""Brings events from the outbox to their subscribers; runs in every worker."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, suppress

from muntin.clock import now_s
from muntin.events import lanes
from muntin.events.delivery import LEASE_S, Delivery
from muntin.events.outbox import on_written
from muntin.events.routing import BATCH, register, route_batch
from muntin.events.subscription import Subscription

POLL_S = 1.0
"""How long an event waits at most when nobody wakes the relay (a message on the bus was missed)."""

Seize = Callable[[str], AbstractAsyncContextManager[bool]]
"""Whether a worker is dead, see `muntin.jobs.locks`; while it is open, nobody else finds that out."""

_HEARTBEAT_S = LEASE_S / 5

_log = logging.getLogger(__name__)


class Relay:
    """Routes events and calls the subscribers of this process.

        async with Relay(subscriptions) as relay:
            bus.subscribe("events.written", lambda topic, data: relay.wake())

    Events written by its own process wake it without that; for those of others the message spares the wait for the
    next look. Several workers may run one each; a lane is delivered by one of them at a time. (On SQLite that is so
    while one worker replaces another.)
    """

    def __init__(
        self,
        subscriptions: Iterable[Subscription] = (),
        *,
        clock: Callable[[], float] = now_s,
        poll_s: float = POLL_S,
        worker: str | None = None,
        seize: Seize | None = None,
    ) -> None:
        """A relay that is not started yet.

        Args:
            worker: An id that no other relay has, at most 64 characters; made up by default.
            seize: Tells which workers are dead, whose lanes are taken over at once. Without it, or where it cannot
                tell, their leases have to end first.
        """
        self._wanted = {one.name: one for one in subscriptions}
        self._clock = clock
        self._poll_s = poll_s
        self._worker = worker or f"{os.getpid()}-{secrets.token_hex(8)}"
        self._seize = seize
        self._woken = asyncio.Event()
        self._somebody_died = asyncio.Event()
        self._changing = asyncio.Lock()
        self._deliveries: dict[str, Delivery] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._stop_listening: Callable[[], None] = lambda: None

    async def __aenter__(self) -> Relay:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Make the subscribers known and begin."""
        await self.subscribe(self._wanted.values())
        self._stop_listening = on_written(self.wake)
        self._tasks = [
            asyncio.create_task(self._route_for_ever(), name="event routing"),
            asyncio.create_task(self._stay_alive(), name="event leases"),
        ]
        self.wake()

    async def stop(self) -> None:
        """End; an event that is being handled is broken off and handled again by the next relay."""
        self._stop_listening()
        self._stop_listening = lambda: None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self._stop_deliveries(list(self._deliveries))

    def wake(self) -> None:
        """There are new events; to be called on the loop the relay runs on."""
        self._woken.set()

    def look_for_the_dead(self) -> None:
        """A worker may have died; see now what it left, rather than in a moment."""
        self._somebody_died.set()

    async def subscribe(self, subscriptions: Iterable[Subscription]) -> None:
        """From now on exactly these subscribers are called; of the others the events wait."""
        async with self._changing:
            self._wanted = {one.name: one for one in subscriptions}
            await register(self._wanted.values())
            changed = [name for name, one in self._deliveries.items() if self._wanted.get(name) != one.subscription]
            await self._stop_deliveries(changed)
            for name, subscription in self._wanted.items():
                if name not in self._deliveries:
                    self._deliveries[name] = Delivery(subscription, self._worker, self._clock)
                    self._deliveries[name].start()
        self.wake()

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    async def _stop_deliveries(self, names: Iterable[str]) -> None:
        stopped = [self._deliveries.pop(name) for name in names]
        await asyncio.gather(*(delivery.stop() for delivery in stopped))

    async def _route_for_ever(self) -> None:
        while True:
            try:
                await self._route()
            except Exception:  # noqa: BLE001 - the database may be away; the relay must survive that
                _log.exception("could not route events")
            try:
                async with asyncio.timeout(self._poll_s):
                    await self._woken.wait()
            except TimeoutError:
                pass  # look anyway: a wake-up may have been missed

    async def _route(self) -> None:
        self._woken.clear()
        while True:
            count, subscribers = await route_batch(now_ms=self._now_ms())
            self._wake_deliveries(subscribers)
            if count < BATCH:
                break
        self._wake_deliveries(await lanes.due_subscribers(sorted(self._deliveries), now_ms=self._now_ms()))

    def _wake_deliveries(self, names: Iterable[str]) -> None:
        for name in names:
            if name in self._deliveries:
                self._deliveries[name].wake()

    async def _stay_alive(self) -> None:
        while True:
            try:
                held = [lane_id for delivery in self._deliveries.values() for lane_id in delivery.held]
                await lanes.extend_leases(self._worker, held, until_ms=self._now_ms() + int(LEASE_S * 1000))
                await self._take_over()
            except Exception:  # noqa: BLE001 - the database may be away; the next beat comes soon
                _log.exception("could not extend the leases of event lanes")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._somebody_died.wait(), _HEARTBEAT_S)
            self._somebody_died.clear()

    async def _take_over(self) -> None:
        """Give free the lanes of workers that died."""
        if self._seize is None:
            return
        for worker in await lanes.other_holders(self._worker):
            async with self._seize(worker) as is_dead:
                if is_dead and (count := await lanes.release(worker)):
                    _log.warning("worker %s is gone: %d of its event lanes are delivered by others", worker, count)
                    self.wake()
