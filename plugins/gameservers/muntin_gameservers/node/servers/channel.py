"""Small events of one server (status, stats, notices) to everybody who looks at it."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

UNREAD_EVENTS = 64


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """`name` and `args` as the websocket sends them."""

    name: str
    args: tuple[str, ...] = ("",)


class Subscription:
    """One reader; of more than 64 unread events the oldest are lost."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._unread: deque[ServerEvent | None] = deque(maxlen=UNREAD_EVENTS)
        self._filled = asyncio.Event()

    def put(self, event: ServerEvent | None) -> None:
        """Hand over an event; None says that the server is gone."""
        self._unread.append(event)
        self._filled.set()

    async def next(self) -> ServerEvent | None:
        """The next event; None when the server is gone."""
        while not self._unread:
            self._filled.clear()
            await self._filled.wait()
        return self._unread.popleft()

    def close(self) -> None:
        """Stop reading."""
        self._channel.subscriptions.discard(self)


class Channel:
    """All readers of one server's events."""

    def __init__(self) -> None:
        self.subscriptions: set[Subscription] = set()

    def subscribe(self) -> Subscription:
        """A new reader; it gets what is published from now on."""
        subscription = Subscription(self)
        self.subscriptions.add(subscription)
        return subscription

    def publish(self, name: str, *args: str) -> None:
        """Tell every reader; never waits."""
        event = ServerEvent(name, args or ("",))
        for subscription in self.subscriptions:
            subscription.put(event)

    def close(self) -> None:
        """Tell every reader that the server is gone."""
        for subscription in self.subscriptions:
            subscription.put(None)
