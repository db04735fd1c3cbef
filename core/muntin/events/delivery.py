"""The second half of the relay: one subscriber's lanes, several of them at the same time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from uuid import UUID

from muntin.events import lanes
from muntin.events.event import EventEnvelope
from muntin.events.lanes import ClaimedLane
from muntin.events.subscription import Subscription
from muntin.plugins.boundaries import PluginTooSlow, within
from muntin.plugins.boundaries_steps import PluginExited
from muntin.plugins.breaker import PANEL

ADVANCE_EVERY = 25
ADVANCE_EVERY_S = 0.2
"""How often the place in a lane is stored while it goes well; a crash repeats at most that much."""

LEASE_S = 15.0
_DATABASE_PAUSE_S = 1.0
_ERROR_LENGTH = 2000

_log = logging.getLogger(__name__)


def delay_s(attempt: int) -> float:
    """Seconds before the next try after `attempt` failures: 2, 6, 18 ... and two hours at most."""
    return min(2.0 * 3.0 ** (attempt - 1), 7200.0)


class Delivery:
    """Calls the handler of one subscription with the events of its lanes; runs until it is cancelled."""

    def __init__(self, subscription: Subscription, worker: str, clock: Callable[[], float]) -> None:
        self.subscription = subscription
        self._worker = worker
        self._clock = clock
        self._woken = asyncio.Event()
        self._running: dict[asyncio.Task[None], UUID] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin in a task of its own; `stop()` ends it."""
        self._task = asyncio.create_task(self._run(), name=f"events to {self.subscription.name}")

    async def stop(self) -> None:
        """Break off what is being handled (it will be handled again), and let go of the lanes."""
        tasks = {*self._running, *([self._task] if self._task else [])}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await lanes.let_go(self._worker, self.subscription.name)

    def wake(self) -> None:
        """There may be something to deliver."""
        self._woken.set()

    @property
    def held(self) -> list[UUID]:
        """The lanes whose events are being handled right now."""
        return list(self._running.values())

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                while await self._start_lanes():
                    await self._wait_for_a_free_slot()
            except Exception:  # noqa: BLE001 - the database may be away; subscribers must survive that
                _log.exception("could not look for events of %s", self.subscription.name)
                await asyncio.sleep(_DATABASE_PAUSE_S)

    async def _start_lanes(self) -> bool:
        """Fill the free slots; False when there is nothing (more) to start."""
        free = self.subscription.concurrency - len(self._running)
        now_ms = self._now_ms()
        claimed = await lanes.claim(
            self.subscription.name,
            self._worker,
            limit=free,
            now_ms=now_ms,
            until_ms=now_ms + int(LEASE_S * 1000),
        )
        for lane in claimed:
            task = asyncio.create_task(self._deliver(lane))
            self._running[task] = lane.id
            task.add_done_callback(self._running.pop)
        return bool(claimed)

    async def _wait_for_a_free_slot(self) -> None:
        while len(self._running) >= self.subscription.concurrency:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)

    async def _deliver(self, lane: ClaimedLane) -> None:
        handled: list[int] = []
        try:
            if await self._handle_all(lane, handled) and await lanes.leave(lane, now_ms=self._now_ms()):
                self._woken.set()
        except asyncio.CancelledError:
            if handled:
                await lanes.advance(lane, handled[-1])  # what was handled is not handled again
            raise
        except Exception:  # noqa: BLE001 - the database may be busy or away
            _log.exception("could not note the delivery of events to %s; trying again", self.subscription.name)
            await self._put_back(lane, handled)

    async def _put_back(self, lane: ClaimedLane, handled: list[int]) -> None:
        """Note how far it came as soon as the database takes it, and let go, so that the lane goes on from there."""
        position, attempts = (handled[-1], 0) if handled else (lane.position, lane.attempts)
        while True:
            await asyncio.sleep(_DATABASE_PAUSE_S)
            try:
                await lanes.postpone(lane, position, attempts=attempts, due_at_ms=self._now_ms(), error=None)
            except Exception:  # noqa: BLE001 - as above
                _log.warning("still cannot note the delivery of events to %s", self.subscription.name, exc_info=True)
            else:
                self._woken.set()
                return

    async def _handle_all(self, lane: ClaimedLane, handled: list[int]) -> bool:
        """Hand over the events one after the other, noting their numbers in `handled`; False when the lane is not ours
        to leave any more.
        """
        stored_at, unstored, position, attempts = time.monotonic(), 0, lane.position, lane.attempts
        for event in lane.events:
            if self.subscription.wants(event.type) and (error := await hand_over(self.subscription, event)) is not None:
                await self._failed(lane, event, position, attempts + 1, error)
                return False
            position, attempts, unstored = event.sequence, 0, unstored + 1
            handled.append(position)
            if unstored >= ADVANCE_EVERY or time.monotonic() - stored_at >= ADVANCE_EVERY_S:
                if not await lanes.advance(lane, position):
                    return False
                stored_at, unstored = time.monotonic(), 0
        return True

    async def _failed(self, lane: ClaimedLane, event: EventEnvelope, position: int, attempts: int, error: str) -> None:
        now_ms = self._now_ms()
        if attempts >= self.subscription.max_attempts:
            _log.error("%s gets %s %s no more: %s", self.subscription.name, event.type, event.id, error)
            await lanes.give_up(lane, event, self.subscription.name, attempts=attempts, error=error, now_ms=now_ms)
            self._woken.set()
            return
        due_at_ms = now_ms + int(delay_s(attempts) * 1000)
        await lanes.postpone(lane, position, attempts=attempts, due_at_ms=due_at_ms, error=error)


async def hand_over(subscription: Subscription, event: EventEnvelope) -> str | None:
    """Call the handler; what went wrong, if anything."""
    try:
        await within(
            subscription.plugin,
            f"subscriber {subscription.name}",
            partial(subscription.handler, event),
            deadline_s=subscription.timeout_s,
            source=str(event.actor_id or PANEL),
        )
    except (TimeoutError, PluginTooSlow):
        return f"TimeoutError: not done after {subscription.timeout_s:g} s"
    except (Exception, SystemExit, asyncio.CancelledError) as error:
        if _is_being_stopped(error):
            raise
        _log.warning("%s failed on %s %s", subscription.name, event.type, event.id, exc_info=True)
        raised = error.__cause__ if isinstance(error, PluginExited) else error
        return f"{type(raised).__name__}: {raised}"[:_ERROR_LENGTH]
    return None


def _is_being_stopped(error: BaseException) -> bool:
    """Whether we are cancelled, rather than the handler having cancelled itself."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0
