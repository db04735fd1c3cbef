"""Background tasks of this process, each belonging to a plugin and ending with it."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger("muntin.tasks")


class PluginTasks:
    """Tasks by plugin."""

    def __init__(self) -> None:
        self._tasks: dict[str, set[asyncio.Task[None]]] = {}

    def start(self, plugin: str, work: Coroutine[Any, Any, None], *, name: str) -> None:
        """Run until done; what it raises is logged.

        It starts with an empty context, so that no transaction of the caller leaks into it.
        """
        task = asyncio.get_running_loop().create_task(work, name=name, context=contextvars.Context())
        own = self._tasks.setdefault(plugin, set())
        own.add(task)
        task.add_done_callback(own.discard)
        task.add_done_callback(_log_failure)

    async def end(self, plugin: str) -> None:
        """Cancel the plugin's tasks and wait for them."""
        tasks = [task for task in self._tasks.pop(plugin, ()) if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """Cancel everything."""
        for plugin in list(self._tasks):
            await self.end(plugin)


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("Background task %s failed", task.get_name(), exc_info=error)
