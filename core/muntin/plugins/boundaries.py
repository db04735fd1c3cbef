"""The wall around foreign code: a deadline, an error boundary, and a note of whose code runs.

Whatever the core calls of a plugin goes through `within` (async) or `running` (sync). The error goes on to the caller,
who decides what people see of it; here it is only counted, because a plugin that fails again and again is taken out
(`muntin.plugins.breaker`). The core's own contributions pass straight through.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from muntin.database.transactions import is_busy
from muntin.errors import MuntinError
from muntin.plugins import CORE
from muntin.plugins.boundaries_steps import PluginExited, Steps
from muntin.plugins.breaker import PANEL, Failure, Source, source_of
from muntin.runtime import open_panel
from muntin.supervisor.marker import as_mark, marker
from muntin.translation import _

if TYPE_CHECKING:
    from muntin.access import Actor

log = logging.getLogger("muntin.plugins")
T = TypeVar("T")
_limit: ContextVar[tuple[asyncio.Timeout | None, float | None]] = ContextVar("muntin_limit", default=(None, None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """So long the core waits for a plugin where its contribution does not say itself; seconds.

    Attributes:
        request_s: A dialect's authentication, limits, reading and rendering.
        accept_s: A websocket's handler, until it has accepted.
        slot_s: What a plugin shows in somebody else's page.
        ask_s: Usage and objections to deleting.
        start_s, stop_s: A lifecycle.
    """

    request_s: float = 30.0
    accept_s: float = 10.0
    slot_s: float = 2.0
    ask_s: float = 5.0
    start_s: float = 10.0
    stop_s: float = 5.0


class PluginTooSlow(MuntinError):
    """A plugin did not answer within its time."""

    status = 504
    code = "plugin_timeout"
    default_message = "This part of the panel took too long to answer."


class PluginFault(Exception):
    """A plugin answered what it may not; the message says where and what."""


def deadlines() -> Deadlines:
    """Those of this process's panel."""
    panel = open_panel()
    return panel.deadlines if panel else Deadlines()


async def within(
    plugin: str,
    contribution: str,
    work: Callable[[], Awaitable[T]],
    *,
    deadline_s: float | None,
    source: Source | Actor = PANEL,
) -> T:
    """Call a plugin behind the wall, and await what it answers.

    Args:
        contribution: What it is, for people: `route GET /api/v1/zones`.
        deadline_s: `None` for what may take as long as it likes.
        source: Who caused it; what one account causes is not enough to take a plugin out.

    Raises:
        PluginTooSlow: It was not done in time (for the core's own: `TimeoutError`).
        Exception: Whatever it raises; an exit is turned into `PluginExited`.
    """
    if plugin == CORE:
        async with asyncio.timeout(deadline_s):
            return await work()
    try:
        async with asyncio.timeout(deadline_s) as limit:
            token = _limit.set((limit, deadline_s))
            try:
                answer = await Steps(_called(work), as_mark(plugin))
            finally:
                _limit.reset(token)
    except TimeoutError as error:
        if not limit.expired():
            raise  # its own
        note(plugin, contribution, f"not done after {deadline_s:g} s", source)
        raise PluginTooSlow(None, plugin=plugin) from error
    except Exception as error:
        note_error(plugin, contribution, error, source)
        raise
    note_success(plugin, source)
    return answer


@contextmanager
def patiently() -> Iterator[None]:
    """While a plugin waits for its client to send the rest of a body, its time stands still."""
    limit, deadline_s = _limit.get()
    if limit is None or deadline_s is None:
        yield
        return
    limit.reschedule(None)
    try:
        yield
    finally:
        limit.reschedule(asyncio.get_running_loop().time() + deadline_s)


@contextmanager
def running(plugin: str, contribution: str, *, source: Source | Actor = PANEL) -> Iterator[None]:
    """The same for what is called and answers at once; the watchdog sees it when it does not."""
    if plugin == CORE:
        yield
        return
    before = marker.enter(as_mark(plugin))
    try:
        yield
    except SystemExit as error:
        note(plugin, contribution, describe(error), source)
        raise PluginExited(plugin) from error
    except Exception as error:
        note_error(plugin, contribution, error, source)
        raise
    finally:
        marker.leave(before)


def checked(plugin: str, contribution: str, answer: object, kind: type[T], *, source: Source | Actor = PANEL) -> T:
    """The answer, if it is what the contribution promises.

    Raises:
        PluginFault: It is something else.
    """
    if isinstance(answer, kind):
        return answer
    found = _("answered {found} instead of {wanted}", found=type(answer).__name__, wanted=kind.__name__)
    fault = PluginFault(f"{plugin}: {contribution} {found}")
    note_error(plugin, contribution, fault, source)
    raise fault


async def told_by(
    plugin: str, contribution: str, ask: Callable[[], Awaitable[Mapping[UUID, T]]], kind: type[T]
) -> Mapping[UUID, T]:
    """What a plugin tells of some ids; nothing where it fails, since others told of theirs and somebody waits."""
    try:
        told = await within(plugin, contribution, ask, deadline_s=deadlines().ask_s)
        if not all(isinstance(value, kind) for value in checked(plugin, contribution, told, dict).values()):
            raise PluginFault(f"{contribution} answered values that are no {kind.__name__}")
    except Exception:
        log.exception("Plugin %s could not tell: %s", plugin, contribution)
        return {}
    return told


def note_error(plugin: str, contribution: str, error: BaseException, source: Source | Actor = PANEL) -> None:
    """Count what a plugin raised, unless it is expected or was counted already, by a boundary further in."""
    if not is_expected(error) and not getattr(error, "muntin_noted", False):
        with suppress(AttributeError):  # a class with slots of its own; then it counts twice
            error.muntin_noted = True  # type: ignore[attr-defined]
        note(plugin, contribution, describe(error), source)


def note(plugin: str, contribution: str, error: str, source: Source | Actor = PANEL) -> None:
    """Count a failure of a plugin."""
    panel = open_panel()
    if panel is not None and plugin != CORE:
        panel.breaker.failed(Failure(plugin=plugin, contribution=contribution, error=error, source=_named(source)))


def note_success(plugin: str, source: Source | Actor) -> None:
    """Count that the plugin did what somebody wanted of it."""
    panel = open_panel()
    if panel is not None:
        panel.breaker.succeeded(plugin, _named(source))


def describe(error: BaseException) -> str:
    """An exception in one line."""
    return f"{type(error).__name__}: {error}"[:500]


def is_expected(error: BaseException) -> bool:
    """Whether code that works raises this too: a refusal, a busy store, somebody unreachable. Never counted."""
    unreachable = sys.modules.get("httpx")  # it is large, and most processes never need it
    if unreachable is not None and isinstance(error, unreachable.HTTPError):
        return True
    return isinstance(error, MuntinError | OSError) or is_busy(error)


def _named(source: Source | Actor) -> Source:
    return source if isinstance(source, str) else source_of(source)


async def _called(work: Callable[[], Awaitable[T]]) -> T:
    return await work()
