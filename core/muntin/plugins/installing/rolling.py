"""Having the running processes replaced by ones that use another generation, and seeing that they were."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING
from uuid import uuid4

from muntin.bus import Json
from muntin.plugins.manifest_file import PluginRefused
from muntin.plugins.presence import call_roll
from muntin.translation import _

if TYPE_CHECKING:
    from muntin.panel import Panel

ROLL_TOPIC, ROLLED_TOPIC = "supervisor.roll", "supervisor.rolled"
WITHIN_S = 180.0
LOOK_EVERY_S = 0.3


async def roll(panel: Panel, generation: int | None) -> int:
    """Replace the processes of this machine one after the other; how many there were, 0 when the panel does not run.

    Raises:
        PluginRefused: New processes did not become ready. Some may have been replaced.
    """
    running = await call_roll(panel)
    if not running:
        return 0
    request = f"plugins-{uuid4()}"
    ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def hear(_topic: str, data: Json) -> None:
        if isinstance(data, dict) and data.get("id") == request and not ended.done():
            ended.set_result(bool(data.get("ok")))

    unsubscribe = panel.bus.subscribe(ROLLED_TOPIC, hear)
    try:
        panel.bus.publish(ROLL_TOPIC, {"id": request})
        await panel.bus.flush()
        await _all_use(panel, generation, {one.pid for one in running}, ended)
    finally:
        unsubscribe()
    return len(running)


async def _all_use(panel: Panel, generation: int | None, before: set[int], ended: asyncio.Future[bool]) -> None:
    """Wait for the supervisor's word, or where it cannot be heard for the processes' own."""
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        if ended.done() and not ended.result():
            raise PluginRefused(_("New processes did not become ready with it; see the log of the panel."))
        running = await call_roll(panel, wait_s=LOOK_EVERY_S)
        done = running and all(one.generation == generation and one.pid not in before for one in running)
        if done and (ended.done() or not _is_local(panel)):
            return
    raise PluginRefused(_("Processes were not replaced within {seconds} seconds.", seconds=int(WITHIN_S)))


def _is_local(panel: Panel) -> bool:
    """Whether the supervisor speaks on the bus this panel uses."""
    return panel.configuration.on_sqlite and not panel.configuration.redis_url
