"""One container of a server, from its creation to its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from muntin_gameservers.node.docker_engine.attachment import Attachment
from muntin_gameservers.node.docker_engine.errors import EngineAway, EngineError
from muntin_gameservers.node.docker_engine.facts import ContainerFacts
from muntin_gameservers.node.servers.host import Host

log = logging.getLogger(__name__)
LOOKS_AFTER_STREAM_S = (0.0, 0.1, 0.3, 1.0, 3.0)
LOOK_INTERVAL_S = 2.0


class Run:
    """Holds the terminal of a container and notices its end, once, whoever sees it first.

    Args:
        on_data: Told the terminal's bytes.
        on_end: Told the last facts about the container; None when it vanished.

    Attributes:
        is_started: Whether the engine has started it; before that nothing counts as its end.
        pid: Of PID 1 on this machine; 0 until it was seen running.
        ended: Set after `on_end` was called.
        ended_by: Why we ended it; empty while we did not.
        oom_kills: Processes in it that the kernel killed for want of memory.
    """

    def __init__(
        self,
        host: Host,
        container_id: str,
        on_data: Callable[[bytes], None],
        on_end: Callable[[Run, ContainerFacts | None], None],
    ) -> None:
        self._host = host
        self.container_id = container_id
        self._on_data = on_data
        self._on_end = on_end
        self._attachment: Attachment | None = None
        self._looking = asyncio.Lock()
        self.is_started = False
        self.pid = 0
        self.started_at = datetime.now(UTC)
        self.memory_limit_bytes = 0
        self.ended = asyncio.Event()
        self.ended_by = ""
        self.oom_kills = 0

    async def attach(self) -> None:
        """Join the terminal.

        Raises:
            EngineError: The container is gone or the engine does not answer.
        """
        self._attachment = await self._host.engine.attach(self.container_id, self._received, self._stream_ended)

    def listen(self, on_data: Callable[[bytes], None]) -> None:
        """From here on the terminal's bytes go there."""
        self._on_data = on_data

    def _received(self, data: bytes) -> None:
        self._on_data(data)

    def write(self, line: str) -> bool:
        """Send a line to the server's input; False when nothing takes it."""
        return self._attachment is not None and self._attachment.write(line.encode("utf-8", "replace") + b"\n")

    async def look(self) -> bool:
        """See whether the container runs, and note it if it has ended; whether it runs is the answer."""
        async with self._looking:
            if self.ended.is_set():
                return False
            if not self.is_started:
                return True
            try:
                facts = await self._host.engine.inspect(self.container_id)
            except EngineAway:
                return True  # nobody can tell; all is looked at when the engine is back
            if facts is None or not facts.running:
                self._end(facts)
                return False
            self.pid, self.started_at = facts.pid, facts.started_at
            self.memory_limit_bytes = facts.memory_limit_bytes
            return True

    async def rejoin(self) -> None:
        """After the engine was away: see whether the container runs, and join its terminal again."""
        if await self.look() and (self._attachment is None or not self._attachment.is_open):
            await self.attach()

    async def wait_end(self, patience_s: float) -> bool:
        """Wait for the end, looking now and then in case an event was missed; False when it still runs."""
        deadline = asyncio.get_running_loop().time() + patience_s
        while not self.ended.is_set():
            left_s = deadline - asyncio.get_running_loop().time()
            if left_s <= 0:
                return False
            try:
                async with asyncio.timeout(min(LOOK_INTERVAL_S, left_s)):
                    await self.ended.wait()
            except TimeoutError:
                await self.look()
        return True

    def abandon(self) -> None:
        """Forget a container that never got to run; `on_end` is not told."""
        self.ended.set()
        self.detach()

    def detach(self) -> None:
        """Leave the terminal; the container goes on."""
        attachment, self._attachment = self._attachment, None
        if attachment is not None:
            attachment.detach()

    def _stream_ended(self) -> None:
        if self._attachment is not None and self.is_started and not self.ended.is_set():
            self._host.spawn(self._look_after_stream(), f"look at container {self.container_id[:12]}")

    async def _look_after_stream(self) -> None:
        """The stream usually ends a moment before the container does; it can also just break."""
        for wait_s in LOOKS_AFTER_STREAM_S:
            await asyncio.sleep(wait_s)
            if not await self.look():
                return
        try:
            await self.attach()
        except EngineError as error:
            log.warning("The terminal of container %s is lost: %s", self.container_id[:12], error)

    def _end(self, facts: ContainerFacts | None) -> None:
        self.ended.set()
        self.detach()
        self._on_end(self, facts)
