"""What a worker does: delivers events to subscribers, and runs jobs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from muntin.bus import Json
from muntin.contributions import Cron, EventSubscriber, Saga, Task
from muntin.events import Relay, Subscription
from muntin.jobs.engine import JobEngine
from muntin.jobs.handlers import InvalidContribution, sort_out
from muntin.panel import Panel
from muntin.plugins.registry import Owned, Snapshot
from muntin.supervisor.wire import CHILD_TOPIC

log = logging.getLogger("muntin.worker")
WRITTEN = "events.written"
ENDINGS = ("died", "stopped")


class Worker:
    """The relay and the job engine of one process, following the set of enabled plugins."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._relay: Relay | None = None
        self._engine: JobEngine | None = None

    async def start(self) -> None:
        """Begin to deliver and to work."""
        panel = self._panel
        self._engine = await JobEngine.open(panel.configuration, jobs_of(panel.registry.owned), bus=panel.bus)
        self._relay = Relay(
            subscriptions_of(panel.registry.owned(EventSubscriber)),
            worker=self._engine.worker_id,
            seize=self._engine.seize,
        )
        await self._relay.start()
        self._panel.bus.subscribe(WRITTEN, self._written)
        self._panel.bus.subscribe(CHILD_TOPIC, self._child_changed)
        self._panel.registry.on_switch(self._switched)

    @property
    def lost(self) -> asyncio.Event:
        """Set when other workers take this one for dead; the process must end at once."""
        assert self._engine is not None  # noqa: S101 - asked for after `start`
        return self._engine.lost

    async def stop(self) -> None:
        """Stop taking on; what is broken off is done again by the next worker."""
        if self._relay:
            await self._relay.stop()
        if self._engine:
            await self._engine.close()

    def _written(self, topic: str, data: Json) -> None:
        if self._relay:
            self._relay.wake()

    def _child_changed(self, topic: str, data: Json) -> None:
        """What a process held when it ended is taken over at once."""
        if isinstance(data, dict) and data.get("event") in ENDINGS and self._relay and self._engine:
            self._relay.look_for_the_dead()
            self._engine.look_for_the_dead()

    def _switched(self, before: Snapshot, after: Snapshot) -> None:
        self._panel.start_task("core", self._follow(after), name="follow")

    async def _follow(self, snapshot: Snapshot) -> None:
        if self._relay:
            await self._relay.subscribe(subscriptions_of(snapshot.of(EventSubscriber)))
        if self._engine:
            await self._engine.use(jobs_of(snapshot.of))


def subscriptions_of(subscribers: tuple[Owned[EventSubscriber], ...]) -> list[Subscription]:
    return [
        Subscription(
            name=f"{owned.plugin}.{owned.value.name}",
            plugin=owned.plugin,
            event_types=owned.value.event_types,
            handler=owned.value.handler,
            timeout_s=owned.value.timeout_s,
            max_attempts=owned.value.max_attempts,
            concurrency=owned.value.concurrency,
        )
        for owned in subscribers
    ]


def jobs_of(owned_of: Callable[[type[Any]], tuple[Owned[Any], ...]]) -> list[Task | Saga | Cron]:
    """What can be worked with: a job that contradicts what is there already is left out, and its plugin named."""
    taken: list[Task | Saga | Cron] = []
    for owned in (owned for kind in (Task, Saga, Cron) for owned in owned_of(kind)):
        try:
            sort_out([*taken, owned.value])
        except InvalidContribution as error:
            log.error("Plugin %s: %s; it is left out", owned.plugin, error)
        else:
            taken.append(owned.value)
    return taken
