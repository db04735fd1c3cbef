"""A coroutine whose every step is noted as the step of a plugin, and what the plugin's own tasks are made of."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Generator
from types import FrameType
from typing import Any, TypeVar

from muntin.supervisor.marker import as_mark, marker, name_in
from muntin.translation import _

T = TypeVar("T")
PluginOf = Callable[[str], str | None]


class PluginExited(RuntimeError):
    """A plugin wanted to end the process with `sys.exit`; only its own work ends."""

    def __init__(self, plugin: str) -> None:
        super().__init__(_("The plugin {plugin} called sys.exit.", plugin=plugin))


class Steps(Coroutine[Any, Any, T]):
    """Runs a coroutine; while one of its steps runs, the process is marked with the plugin's name."""

    __slots__ = ("__weakref__", "_inner", "_mark")

    def __init__(self, inner: Coroutine[Any, Any, T] | Generator[Any, Any, T], mark: bytes) -> None:
        self._inner = inner
        self._mark = mark

    def __await__(self) -> Generator[Any, Any, T]:
        return self

    def __iter__(self) -> Steps[T]:
        return self

    def __next__(self) -> Any:
        return self.send(None)

    def send(self, value: Any) -> Any:
        before = marker.enter(self._mark)
        try:
            return self._inner.send(value)
        except SystemExit as error:
            raise PluginExited(name_in(self._mark) or "") from error
        finally:
            marker.leave(before)

    def throw(self, *error: Any) -> Any:
        before = marker.enter(self._mark)
        try:
            return self._inner.throw(*error)
        except SystemExit as ended:
            raise PluginExited(name_in(self._mark) or "") from ended
        finally:
            marker.leave(before)

    def close(self) -> None:
        self._inner.close()

    @property
    def cr_frame(self) -> FrameType | None:
        """For stacks of tasks."""
        return getattr(self._inner, "cr_frame", None)

    @property
    def cr_code(self) -> Any:
        """For the names of tasks."""
        return getattr(self._inner, "cr_code", None)

    @property
    def cr_running(self) -> bool:
        """For the names of tasks."""
        return bool(getattr(self._inner, "cr_running", False))


class TaskFactory:
    """Makes the tasks of a loop; those that a plugin's code starts are the plugin's, and end with it."""

    def __init__(self, plugin_of: PluginOf, started: Callable[[str, asyncio.Task[Any]], None]) -> None:
        self._plugin_of = plugin_of
        self._started = started

    def __call__(
        self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T] | Generator[Any, None, T], **more: Any
    ) -> asyncio.Task[T]:
        plugin = self._starter()
        if plugin is None:
            return asyncio.Task(work, loop=loop, **more)
        task: asyncio.Task[T] = asyncio.Task(Steps(work, as_mark(plugin)), loop=loop, **more)
        self._started(plugin, task)
        return task

    def _starter(self) -> str | None:
        """The plugin whose code asked for the task: the innermost frame that is not asyncio's."""
        frame: FrameType | None = sys._getframe(2)
        while frame is not None:
            module = frame.f_globals.get("__name__", "")
            if not module.startswith("asyncio"):
                return self._plugin_of(module)
            frame = frame.f_back
        return None
