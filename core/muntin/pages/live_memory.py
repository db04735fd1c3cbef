"""What open pages were told lately, so that none misses what happened between being made and beginning to listen.

Every web process keeps the last messages it heard. A stream says since when its page wants to know: at first the moment
the page was made, after a lost connection the number of the last message it got.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from muntin.bus import Json
from muntin.contributions import Lifecycle
from muntin.jobs.desk import CHANGED_TOPIC
from muntin.nodes.reporting import STATUS_TOPIC

if TYPE_CHECKING:
    from muntin.panel import Panel

TOPICS = ("live.*", CHANGED_TOPIC, STATUS_TOPIC)
KEPT = 5000
KEPT_MS = 60_000
MADE_WITHIN_MS = 3_000
"""A page is stamped when it is drawn; what it shows was read up to so long before."""
FIGURES_MS = 6_000
"""Figures come every five seconds; a page that opens shows the last ones at once."""


@dataclass(frozen=True, slots=True)
class Told:
    """One message of the bus, and when this process heard it, in milliseconds since 1970."""

    at_ms: int
    topic: str
    data: Json


@dataclass(slots=True)
class LiveMemory:
    """The last messages of one process.

    Attributes:
        since_ms: From then on everything was heard.
    """

    since_ms: int
    _told: deque[Told] = field(default_factory=deque)

    def hear(self, topic: str, data: Json) -> None:
        """Keep a message; the oldest is forgotten for it."""
        self._told.append(Told(now_ms(), topic, data))
        while len(self._told) > KEPT or self._told[0].at_ms < now_ms() - KEPT_MS:
            self.since_ms = self._told.popleft().at_ms + 1

    def after(self, moment_ms: int, topics: Container[str], *, figures_ms: int = 0) -> list[Told] | None:
        """The newest message of everything that was told of after a moment; `None` when some may be forgotten.

        Args:
            figures_ms: Figures are given that were told within this time before now, too.
        """
        if moment_ms < max(self.since_ms, now_ms() - KEPT_MS):
            return None
        found: dict[tuple[str, str, bool], Told] = {}
        for one in self._told:
            about, is_state = _about(one.data)
            known_from = moment_ms if is_state else min(moment_ms, now_ms() - figures_ms)
            if one.topic in topics and one.at_ms >= known_from:
                key = (one.topic, about, is_state)
                found.pop(key, None)
                found[key] = one
        return list(found.values())


_memories: WeakKeyDictionary[Panel, LiveMemory] = WeakKeyDictionary()


def missed(panel: Panel, topics: Container[str], *, heard_ms: int | None, made_ms: int) -> list[Told] | None:
    """What a page has to be told before it listens.

    Args:
        heard_ms: Number of the last message it got, where it comes back.
        made_ms: When it was made.

    Returns:
        The messages in order; `None` when it has to look itself.
    """
    memory = _memories.get(panel)
    if memory is None:
        return None
    if heard_ms is not None:
        return memory.after(heard_ms, topics)
    return memory.after(made_ms - MADE_WITHIN_MS, topics, figures_ms=FIGURES_MS)


def now_ms() -> int:
    """The time as messages are numbered."""
    return time.time_ns() // 1_000_000


def _about(data: Json) -> tuple[str, bool]:
    """What a message is about, and whether it says more than figures."""
    message: Mapping[str, Json] = data if isinstance(data, dict) else {}
    is_figures = "topic" in message and not message.get("state")
    return str(message.get("topic") or message.get("id") or ""), not is_figures


_ends: WeakKeyDictionary[Panel, list[Callable[[], None]]] = WeakKeyDictionary()


async def _start(panel: Panel) -> None:
    memory = _memories[panel] = LiveMemory(now_ms())
    _ends[panel] = [panel.bus.subscribe(topic, memory.hear) for topic in TOPICS]


async def _stop(panel: Panel) -> None:
    _memories.pop(panel, None)
    for end in _ends.pop(panel, []):
        end()


LIFECYCLES = (Lifecycle(start=_start, stop=_stop, processes=("web",)),)
