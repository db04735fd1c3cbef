"""How a message looks on the wire, and who wants it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Iterator

from muntin.bus.interface import MAX_MESSAGE_BYTES, Callback, Json, MessageTooLarge, Unsubscribe

log = logging.getLogger(__name__)


def encode(topic: str, data: Json) -> str:
    """The data as one line of JSON.

    Raises:
        MessageTooLarge: Topic and data together exceed `MAX_MESSAGE_BYTES`.
        TypeError: The data is not JSON.
        ValueError: The topic is empty, longer than 200 characters, or holds white space.
    """
    if not topic or len(topic) > 200 or len(topic.split()) != 1:
        raise ValueError(f"not a topic: {topic!r}")
    text = json.dumps(data, separators=(",", ":"))
    if len(text) + len(topic) > MAX_MESSAGE_BYTES:
        raise MessageTooLarge(f"{topic}: {len(text)} bytes, {MAX_MESSAGE_BYTES} are allowed")
    return text


class Patterns:
    """A set of topics and prefixes (`console.*`) that can say whether a topic is wanted."""

    def __init__(self) -> None:
        self._topics: set[str] = set()
        self._prefixes: tuple[str, ...] = ()

    def add(self, pattern: str) -> None:
        """Want a topic, or every topic of a prefix."""
        if pattern.endswith("*"):
            self._prefixes = tuple({*self._prefixes, pattern[:-1]})
        else:
            self._topics.add(pattern)

    def discard(self, pattern: str) -> None:
        """Want it no longer."""
        self._topics.discard(pattern)
        self._prefixes = tuple(prefix for prefix in self._prefixes if f"{prefix}*" != pattern)

    def want(self, topic: str) -> bool:
        """Whether the topic, or a prefix of it, was added."""
        return topic in self._topics or topic.startswith(self._prefixes)


class Subscriptions:
    """The callbacks of one process."""

    def __init__(self) -> None:
        self._callbacks: dict[str, list[Callback]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def patterns(self) -> tuple[str, ...]:
        """What at least one callback wants."""
        return tuple(self._callbacks)

    def add(self, pattern: str, callback: Callback) -> Unsubscribe:
        """Remember the callback; the answer forgets it again, however often it is called."""
        self._callbacks.setdefault(pattern, []).append(callback)

        def forget() -> None:
            remaining = [other for other in self._callbacks.get(pattern, ()) if other is not callback]
            if remaining:
                self._callbacks[pattern] = remaining
            else:
                self._callbacks.pop(pattern, None)

        return forget

    def wanted(self, topic: str) -> bool:
        """Whether any callback wants the topic."""
        return next(self._matching(topic), None) is not None

    def deliver(self, topic: str, data: Json) -> None:
        """Call everyone who wants the topic; an async callback goes on in a task of its own."""
        for callback in [*self._matching(topic)]:
            try:
                pending = callback(topic, data)
            except Exception:  # a subscriber may be a plugin's; the others must still hear
                log.exception("a subscriber of %s failed", topic)
                continue
            if pending is not None:
                task = asyncio.ensure_future(_finish(topic, pending))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def _matching(self, topic: str) -> Iterator[Callback]:
        for pattern, callbacks in self._callbacks.items():
            if pattern == topic or (pattern.endswith("*") and topic.startswith(pattern[:-1])):
                yield from callbacks


async def _finish(topic: str, pending: Awaitable[None]) -> None:
    try:
        await pending
    except Exception:  # as in deliver
        log.exception("a subscriber of %s failed", topic)
