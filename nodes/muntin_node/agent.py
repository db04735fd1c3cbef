"""The agent put together: clients, halves, HTTP, in the order of their lives."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import uuid
from collections.abc import Callable, Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Any

from muntin_node.app import create_app
from muntin_node.asgi import close_sockets
from muntin_node.bus import HEALTH_INTERVAL_S, PanelBus
from muntin_node.config_store import ConfigStore
from muntin_node.context import NodeContext
from muntin_node.contributions import NodeHalf
from muntin_node.errors import ConfigError
from muntin_node.figures import HealthReporter
from muntin_node.halves import Halves
from muntin_node.loopwatch import LoopWatch
from muntin_node.memory import settle_memory
from muntin_node.panel import PanelClient
from muntin_node.processes import Processes
from muntin_node.serving import HttpServer, listening_socket
from muntin_node.tokens import NodeTokens

log = logging.getLogger(__name__)


class Agent:
    """One agent of one node; made on the loop it runs on.

    Args:
        halves: What `halves.discover` found.
        errors: Halves that could not be loaded, by name.
        listener: A socket that listens already (a supervisor's, a test's); otherwise `api.host:api.port` is bound.
    """

    def __init__(
        self,
        store: ConfigStore,
        halves: Iterable[NodeHalf],
        errors: Mapping[str, str] | None = None,
        *,
        listener: socket.socket | None = None,
        health_interval_s: float = HEALTH_INTERVAL_S,
    ) -> None:
        self.store = store
        self.boot_id = uuid.uuid4().hex
        self.halves = Halves(halves, errors)
        self.panel = PanelClient(store)
        self.tokens = NodeTokens(store)
        self.processes = Processes()
        reporter = HealthReporter(self.boot_id, self.halves, store.current.system.data)
        self.bus = PanelBus(store, health=reporter.report, health_interval_s=health_interval_s)
        self.bus.subscribe("halves", self._compare_halves)
        self._listener = listener
        self._tasks: list[asyncio.Task[None]] = []

    async def run(self, shutdown: asyncio.Event, *, on_ready: Callable[[str, int], None] | None = None) -> None:
        """Start everything, serve until `shutdown` is set, and end everything in the reverse order.

        Args:
            on_ready: Told address and port once the listener is open.

        Raises:
            ConfigError: A folder cannot be made, the port is taken, a certificate does not load.
        """
        _make_folders(self.store)
        await self.halves.start(self._context_for)
        try:
            listener = self._listener or listening_socket(self.store.current.api)
            server = HttpServer(create_app(self.store, self.halves, self.tokens), listener, self.store.current.api)
            await self._serve(server, shutdown, on_ready)
        finally:
            await self._end()

    async def _serve(
        self, server: HttpServer, shutdown: asyncio.Event, on_ready: Callable[[str, int], None] | None
    ) -> None:
        serving = asyncio.create_task(server.run())
        try:
            for name, work in self._helpers():
                self._tasks.append(asyncio.create_task(work, name=name))
            log.info("listening on %s port %d", *server.address)
            if on_ready is not None:
                on_ready(*server.address)
            self._tasks.append(asyncio.create_task(self._become_ready()))
            waiting = asyncio.create_task(shutdown.wait())
            await asyncio.wait([serving, waiting], return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
        finally:
            await close_sockets(server.app)
            server.stop()
            await serving

    async def _become_ready(self) -> None:
        await self.halves.ready()
        settle_memory()

    def _helpers(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        helpers = [("loop-watch", LoopWatch().run()), ("sweep", self.processes.sweep())]
        return [*helpers, ("bus", self.bus.run())] if self.store.current.enrolled else helpers

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.halves.close()
        await self.processes.close()
        await self.panel.close()

    async def _compare_halves(self, wanted: dict[str, Any]) -> None:
        self.halves.compare(wanted)

    def _context_for(self, half: NodeHalf) -> NodeContext:
        folder = self.store.current.system.root_directory / "halves" / half.name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return NodeContext(
            store=self.store,
            panel=self.panel,
            tokens=self.tokens,
            processes=self.processes,
            bus=self.bus,
            data_dir=folder,
            boot_id=self.boot_id,
        )


def _make_folders(store: ConfigStore) -> None:
    wanted = store.current.system
    folders: list[Path] = [
        wanted.root_directory,
        wanted.log_directory,
        wanted.data,
        wanted.archive_directory,
        wanted.backup_directory,
        wanted.tmp_directory,
    ]
    for folder in folders:
        try:
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{folder} cannot be made: {error.strerror}.") from error
    with contextlib.suppress(PermissionError):  # somebody else's folder is left as it is
        wanted.data.chmod(0o711)
