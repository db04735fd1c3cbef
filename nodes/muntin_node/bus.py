"""The agent's websocket to the panel: frames `{"topic": str, "data": object}`, both ways."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidURI, WebSocketException

from muntin_node.config import NodeConfig
from muntin_node.config_store import ConfigStore

log = logging.getLogger(__name__)

BUS_PATH = "/api/node/bus"
HEALTH_TOPIC = "health"
HEALTH_INTERVAL_S = 10.0
LONGEST_WAIT_S = 15.0
FIRST_WAIT_S = 0.5
STEADY_S = 30.0  # a connection that held this long starts the waits anew
MAX_FRAME_BYTES = 262_144  # the panel takes no larger message (`muntin.connections.MAX_MESSAGE_BYTES`)
MAX_QUEUED_FRAMES = 1_000

Callback = Callable[[dict[str, Any]], Awaitable[None]]


class PanelBus:
    """One connection that comes back by itself. While the panel is away, `send` drops and everything else goes on.

    Args:
        health: Makes the data of topic `health`, sent at once on connect and then every `health_interval_s`.
    """

    def __init__(
        self,
        store: ConfigStore,
        *,
        health: Callable[[], Awaitable[Mapping[str, object]]],
        health_interval_s: float = HEALTH_INTERVAL_S,
    ) -> None:
        self._store = store
        self._health = health
        self._health_interval_s = health_interval_s
        self._callbacks: dict[str, list[Callback]] = {}
        self._on_connect: list[Callable[[], None]] = []
        self._queue: deque[str] = deque(maxlen=MAX_QUEUED_FRAMES)
        self._queued = asyncio.Event()
        self._socket: ClientConnection | None = None
        self._bearer = ""
        self._renewing: asyncio.Task[None] | None = None
        store.on_change(self._credentials_changed)

    @property
    def connected(self) -> bool:
        """Whether frames leave now."""
        return self._socket is not None

    def subscribe(self, topic: str, callback: Callback) -> Callable[[], None]:
        """Have the `data` of received frames of a topic; returns what ends it.

        Callbacks run one after another in the order frames came: a slow one makes the next frames wait. One that
        raises is logged and costs the others nothing.
        """
        callbacks = self._callbacks.setdefault(topic, [])
        callbacks.append(callback)
        return lambda: callbacks.remove(callback) if callback in callbacks else None

    def on_connect(self, callback: Callable[[], None]) -> None:
        """Be told each time the panel is there again, to `send` what it must know."""
        self._on_connect.append(callback)

    def send(self, topic: str, data: Mapping[str, object]) -> bool:
        """Queue a frame; False if the panel is away (then it is lost) or the frame is over 256 KiB.

        Never waits. Of more than 1,000 frames that the panel does not take, the oldest are lost: what must arrive
        goes through `PanelClient.post`.
        """
        if not self.connected:
            return False
        frame = json.dumps({"topic": topic, "data": data}, separators=(",", ":"))  # ASCII: as many bytes
        if len(frame) > MAX_FRAME_BYTES:
            log.warning("a frame of topic %s has %d bytes, more than the bus carries; split it", topic, len(frame))
            return False
        self._queue.append(frame)
        self._queued.set()
        return True

    async def reconnect(self) -> None:
        """Close the connection; it comes back with the credentials as they are now."""
        if self._socket is not None:
            await self._socket.close(1000)

    def _credentials_changed(self, config: NodeConfig) -> None:
        if self._socket is not None and config.panel_bearer != self._bearer:
            self._renewing = asyncio.get_running_loop().create_task(self.reconnect())

    async def run(self) -> None:
        """Hold the connection until cancelled."""
        attempt = 0
        loop = asyncio.get_running_loop()
        while True:
            started_s = loop.time()
            try:
                await self._one_connection()
            except (OSError, TimeoutError, InvalidHandshake, InvalidURI, WebSocketException) as error:
                log.info("bus to the panel: %s", _reason(error))
            attempt = 0 if loop.time() - started_s > STEADY_S else attempt + 1
            await asyncio.sleep(wait_s(attempt))

    async def _one_connection(self) -> None:
        config = self._store.current
        self._bearer = config.panel_bearer
        headers = {"Authorization": f"Bearer {self._bearer}"}
        async with connect(
            bus_url(config.remote),
            additional_headers=headers,
            compression=None,
            open_timeout=10,
            close_timeout=2,
            max_size=MAX_FRAME_BYTES,
        ) as socket:
            self._queue.clear()
            self._socket = socket
            log.info("bus to the panel: connected")
            try:
                await self._converse(socket)
            finally:
                self._socket = None

    async def _converse(self, socket: ClientConnection) -> None:
        helpers = [asyncio.create_task(self._write(socket)), asyncio.create_task(self._tell_health())]
        try:
            for callback in self._on_connect:
                self._protect(callback)
            async for frame in socket:
                await self._dispatch(frame)
        finally:
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)

    async def _write(self, socket: ClientConnection) -> None:
        with contextlib.suppress(WebSocketException):  # the reading side sees the same end and reports it
            while True:
                await self._queued.wait()
                self._queued.clear()
                while self._queue:
                    await socket.send(self._queue.popleft())

    async def _tell_health(self) -> None:
        while True:
            health = await self._health()
            # Halves that report too much must not make the whole node look dead.
            if not self.send(HEALTH_TOPIC, health) and self.connected:
                self.send(HEALTH_TOPIC, {**health, "reports": {}})
            await asyncio.sleep(self._health_interval_s)

    async def _dispatch(self, frame: str | bytes) -> None:
        try:
            message = json.loads(frame)
        except (ValueError, RecursionError):
            message = None
        if not (isinstance(message, dict) and isinstance(message.get("data"), dict)):
            log.warning("the panel sent a frame that is not {topic, data}")
            return
        for callback in tuple(self._callbacks.get(str(message.get("topic")), ())):
            try:
                await callback(message["data"])
            except Exception:  # a half's code: its failure must not cut the bus
                log.exception("a subscriber of topic %s failed", message.get("topic"))

    def _protect(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception:  # a half's code, as above
            log.exception("a connect callback failed")


def bus_url(remote: str) -> str:
    """The bus's address for a panel's: ws for http, wss for https."""
    scheme, _, rest = remote.partition("://")
    return f"{'wss' if scheme == 'https' else 'ws'}://{rest.rstrip('/')}{BUS_PATH}"


def wait_s(attempt: int) -> float:
    """Jittered and doubling, between 0 and 15 s."""
    longest_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(attempt, 10))
    return longest_s * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, no secret


def _reason(error: BaseException) -> str:
    status = getattr(getattr(error, "response", None), "status_code", None)
    return f"the panel answered {status}" if status else (str(error) or type(error).__name__)
