"""Who wants to hear of which events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from muntin.events.event import EventEnvelope

Handler = Callable[[EventEnvelope], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A subscriber; it gets every matching event at least once, and those of one resource in order.

    What it raises is tried again, later and later, and holds back later events of the same resource only; after
    `max_attempts` the event is put aside as a dead letter. While its plugin is disabled its events wait.
    """

    name: str  # "plugin.what_it_does"; stays the same for ever, its place in the stream is stored under it
    plugin: str  # id of the plugin, "core" for the panel itself
    event_types: tuple[str, ...]  # "server.created", "server.*", "*"
    handler: Handler
    timeout_s: float = 10.0  # of one call
    max_attempts: int = 12  # about half a day with the relay's delays
    concurrency: int = 8  # resources handled at the same time

    def wants(self, event_type: str) -> bool:
        """Whether events of this type are for it."""
        return matches(self.event_types, event_type)


def matches(patterns: Iterable[str], event_type: str) -> bool:
    """Whether one of the patterns fits; `*` stands for anything, dots included."""
    return any(fnmatchcase(event_type, pattern) for pattern in patterns)
