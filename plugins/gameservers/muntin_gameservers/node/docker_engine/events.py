"""The engine's event stream: one thread, and word of the engine coming and going."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import requests
from docker import errors as docker_errors

from muntin_gameservers.node.docker_engine.engine import Engine
from muntin_gameservers.node.docker_engine.errors import EngineAway
from muntin_gameservers.node.docker_engine.facts import EngineEvent

ACTIONS = ["die", "oom", "destroy", "start"]
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 5.0


class EventFeed:
    """Reads events until closed; callbacks run on the loop.

    Args:
        on_event: Told each event of `ACTIONS`.
        on_connect: The stream is open: from here on nothing is missed; look at everything once.
        on_away: It ended or could not be opened; told the reason.
    """

    def __init__(
        self,
        engine: Engine,
        on_event: Callable[[EngineEvent], None],
        on_connect: Callable[[], None],
        on_away: Callable[[str], None],
    ) -> None:
        self._engine = engine
        self._on_event = on_event
        self._on_connect = on_connect
        self._on_away = on_away
        self._closing = threading.Event()
        self._stream: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self) -> None:
        """Start the thread."""
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, name="docker-events", daemon=True).start()

    def close(self) -> None:
        """End the thread within moments."""
        self._closing.set()
        stream = self._stream
        if stream is not None:
            stream.close()

    def _tell(self, callback: Callable[..., None], *args: object) -> None:
        if self._loop is not None and not self._closing.is_set() and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(callback, *args)

    def _read(self) -> None:
        wait_s, since = FIRST_WAIT_S, int(time.time())
        while not self._closing.is_set():
            reason = "The Docker engine broke off the connection."
            try:
                since = self._read_once(since)
                wait_s = FIRST_WAIT_S
            except EngineAway as error:
                reason = error.message
            except (docker_errors.DockerException, requests.RequestException, OSError, ValueError) as error:
                reason = f"The Docker engine stopped answering: {error}"
            self._tell(self._on_away, reason)
            self._closing.wait(wait_s)
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)

    def _read_once(self, since: int) -> int:
        client = self._engine.client()
        try:
            filters = {"type": "container", "event": ACTIONS}
            self._stream = client.events(since=since, decode=True, filters=filters)
            if self._closing.is_set():
                return since
            self._tell(self._on_connect)
            for line in self._stream:
                since = int(line.get("time", since))
                self._tell(self._on_event, EngineEvent.from_stream(line))
            return since
        finally:
            self._stream = None
            client.close()
