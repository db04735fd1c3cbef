"""What the buses over a connection share: a bounded queue out, and a loop that connects again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass

from muntin.bus.interface import Callback, Json, Unsubscribe
from muntin.bus.messages import Subscriptions, encode

log = logging.getLogger(__name__)

MAX_QUEUED_MESSAGES = 4096
MAX_QUEUED_BYTES = 16 * 1024 * 1024
FIRST_BACKOFF_S, LAST_BACKOFF_S = 0.05, 2.0
LIVENESS_S = 15.0


@dataclass(frozen=True, slots=True)
class Message:
    """One queued message; `text` is its data as JSON."""

    topic: str
    text: str


class Link(ABC):
    """One connection, from when it stands until it breaks."""

    def __init__(self) -> None:
        self.broken = asyncio.Event()

    @abstractmethod
    async def send(self, messages: list[Message]) -> None:
        """Hand over in order; raises OSError when the connection is gone."""

    @abstractmethod
    async def check(self) -> None:
        """Ask the far side for a sign of life; raises OSError or TimeoutError when there is none."""

    @abstractmethod
    async def close(self) -> None:
        """Hang up."""

    @abstractmethod
    def want(self, pattern: str) -> None:
        """Someone here wants these messages from now on; a link that brings all of them ignores it."""

    @abstractmethod
    def want_no_longer(self, pattern: str) -> None:
        """Nobody here wants them any more."""


class ReconnectingBus(ABC):
    """A bus whose connection may come and go; subclasses say how to connect."""

    def __init__(self) -> None:
        self._subscriptions = Subscriptions()
        self._queue: deque[Message] = deque()
        self._queued_bytes = 0
        self._wake = asyncio.Event()
        self._attempted = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._link: Link | None = None
        self._task: asyncio.Task[None] | None = None

    @abstractmethod
    async def _connect(self) -> Link:
        """One attempt; raises OSError when it fails."""

    async def open(self, *, timeout_s: float = 2.0) -> None:
        """Start, and wait for the first attempt to end, well or not."""
        self._task = asyncio.create_task(self._run(), name="muntin-bus")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._attempted.wait(), timeout_s)

    @property
    def connected(self) -> bool:
        """Whether messages reach other processes right now."""
        return self._link is not None

    def publish(self, topic: str, data: Json = None) -> None:
        """See `Bus`."""
        text = encode(topic, data)
        asyncio.get_running_loop().call_soon(lambda: self._subscriptions.deliver(topic, json.loads(text)))
        self._queue.append(Message(topic, text))
        self._queued_bytes += len(text)
        while len(self._queue) > MAX_QUEUED_MESSAGES or self._queued_bytes > MAX_QUEUED_BYTES:
            self._queued_bytes -= len(self._queue.popleft().text)
        self._idle.clear()
        self._wake.set()

    def subscribe(self, pattern: str, callback: Callback) -> Unsubscribe:
        """See `Bus`."""
        forget = self._subscriptions.add(pattern, callback)
        if self._link is not None:
            self._link.want(pattern)

        def unsubscribe() -> None:
            forget()
            if self._link is not None and pattern not in self._subscriptions.patterns:
                self._link.want_no_longer(pattern)

        return unsubscribe

    async def flush(self, *, timeout_s: float = 1.0) -> bool:
        """See `Bus`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
                if self._link is None:
                    return False
                await self._link.check()
        except (OSError, TimeoutError):
            return False
        return True

    async def close(self) -> None:
        """See `Bus`."""
        if self._link is not None:
            await self.flush()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _receive(self, topic: str, text: str | bytes) -> None:
        try:
            data = json.loads(text)
        except ValueError:
            log.warning("bus: %s came with data that is not JSON", topic)
            return
        self._subscriptions.deliver(topic, data)

    async def _run(self) -> None:
        backoff_s = FIRST_BACKOFF_S
        while True:
            try:
                link = await self._connect()
            except OSError as error:
                log.debug("bus: no connection (%s), again in %.2f s", error, backoff_s)
                self._attempted.set()
                await asyncio.sleep(backoff_s)
                backoff_s = min(backoff_s * 2, LAST_BACKOFF_S)
                continue
            backoff_s = FIRST_BACKOFF_S
            await self._serve(link)

    async def _serve(self, link: Link) -> None:
        """Send what is queued until the link breaks."""
        for pattern in self._subscriptions.patterns:
            link.want(pattern)
        self._link = link
        self._attempted.set()
        broken = asyncio.create_task(link.broken.wait())
        try:
            while not link.broken.is_set():
                await self._send_queued(link)
                await self._pause(link, broken)
        except (OSError, TimeoutError) as error:
            log.info("bus: connection lost (%s)", error)
        finally:
            self._link = None
            broken.cancel()
            await link.close()

    async def _send_queued(self, link: Link) -> None:
        self._wake.clear()
        while self._queue:
            batch = list(self._queue)
            self._queue.clear()
            self._queued_bytes = 0
            await link.send(batch)
        self._idle.set()

    async def _pause(self, link: Link, broken: asyncio.Task[bool]) -> None:
        """Until something is queued or the link breaks; a quiet link is asked for a sign of life now and then."""
        wake = asyncio.create_task(self._wake.wait())
        try:
            done, _ = await asyncio.wait({wake, broken}, timeout=LIVENESS_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            wake.cancel()
        if not done:
            async with asyncio.timeout(5):
                await link.check()
