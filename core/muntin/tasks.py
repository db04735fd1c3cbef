"""Background tasks of this process, each belonging to a plugin and ending with it."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger("muntin.tasks")
MOST_STARTED = 10_000
"""More tasks than this, started by its own code and not done, a plugin cannot have in one process."""
END_WITHIN_S = 5.0
"""A task that does not end when it is cancelled is left behind."""


class PluginTasks:
    """Tasks by plugin."""

    def __init__(self) -> None:
        self._tasks: dict[str, set[asyncio.Task[None]]] = {}
        self._started: dict[str, set[asyncio.Task[Any]]] = {}

    def start(self, plugin: str, work: Coroutine[Any, Any, None], *, name: str) -> None:
        """Run until done; what it raises is logged.

        It starts with an empty context, so that no transaction of the caller leaks into it.
        """
        task = asyncio.get_running_loop().create_task(work, name=name, context=contextvars.Context())
        own = self._tasks.setdefault(plugin, set())
        own.add(task)
        task.add_done_callback(own.discard)
        task.add_done_callback(_log_failure)

    def adopt(self, plugin: str, task: asyncio.Task[Any]) -> None:
        """Have a task that the plugin's own code started end with it; what it raises is the plugin's affair."""
        started = self._started.setdefault(plugin, set())
        started.add(task)
        task.add_done_callback(started.discard)
        if len(started) > MOST_STARTED:
            log.error("Plugin %s leaves tasks behind; %s is cancelled", plugin, task.get_name())
            task.cancel()

    async def end(self, plugin: str, *, within_s: float = 0.0) -> None:
        """Cancel the plugin's tasks and wait for them.

        Args:
            within_s: So long those that its code started itself may take to end; requests under way need theirs.
        """
        started = {task for task in self._started.pop(plugin, ()) if task is not asyncio.current_task()}
        tasks = {task for task in self._tasks.pop(plugin, ()) if task is not asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if started and within_s:
            await asyncio.wait(started, timeout=within_s)
        for task in started:
            task.cancel()
        if both := started | tasks:
            await asyncio.wait(both, timeout=END_WITHIN_S)

    async def close(self) -> None:
        """Cancel everything."""
        for plugin in [*self._tasks, *self._started]:
            await self.end(plugin)


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("Background task %s failed", task.get_name(), exc_info=error)
