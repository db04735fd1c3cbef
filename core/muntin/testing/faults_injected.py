"""What a misbehaving function does instead of what it should."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

Function = Callable[..., Awaitable[Any]]
LEFT_BEHIND = 20


class ByDesign(Exception):
    """Raised by a function that is to misbehave."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave.

    Attributes:
        breaks: Makes a misbehaving function of one that works.
    """

    name: str
    breaks: Callable[[Function], Function]


def _raises(work: Function) -> Function:
    @functools.wraps(work)
    async def broken(*values: Any, **named: Any) -> Any:
        raise ByDesign("by design")

    return broken


def _answers_something_else(work: Function) -> Function:
    @functools.wraps(work)
    async def broken(*values: Any, **named: Any) -> Any:
        return object()

    return broken


def _never_answers(work: Function) -> Function:
    @functools.wraps(work)
    async def broken(*values: Any, **named: Any) -> Any:
        await asyncio.sleep(3600)

    return broken


def _leaves_tasks(work: Function) -> Function:
    @functools.wraps(work)
    async def broken(*values: Any, **named: Any) -> Any:
        leave_tasks()
        return await work(*values, **named)

    return broken


kept: list[asyncio.Task[None]] = []
"""Tasks that were left behind; the matrix ends them after each cell."""

FAULTS = (
    Fault("raises", _raises),
    Fault("wrong type", _answers_something_else),
    Fault("async sleep", _never_answers),
    Fault("leaks tasks", _leaves_tasks),
)


def leave_tasks() -> None:
    """Start tasks that nobody waits for."""
    kept.extend(asyncio.create_task(asyncio.sleep(5), name="left behind") for _ in range(LEFT_BEHIND))


async def end_left_behind() -> None:
    """End the tasks that functions left behind."""
    tasks, kept[:] = list(kept), []
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
