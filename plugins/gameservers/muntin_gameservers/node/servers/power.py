"""Power actions of one server: one at a time, but `kill` at any time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from muntin_gameservers.contract import PowerAction
from muntin_gameservers.node.containers.specification import Surroundings
from muntin_gameservers.node.servers.errors import ServerBusy, ServerSuspended, StartFailed, StateConflict
from muntin_gameservers.node.servers.startup import launch, prepare
from muntin_node.errors import NodeError

if TYPE_CHECKING:
    from muntin_gameservers.node.servers.run import Run
    from muntin_gameservers.node.servers.server import Server

STOP_PATIENCE_S = 600.0
KILL_PATIENCE_S = 30.0
LAUNCH_PATIENCE_S = 40.0
SIGNALS = {"C": "SIGINT", "^C": "SIGINT"}


def signal_name(value: str) -> str:
    """Docker's name of an egg's signal: `C` is Ctrl+C, others with or without `SIG`."""
    name = value.strip().upper()
    return SIGNALS.get(name) or (name if name.startswith("SIG") or name.isdigit() else f"SIG{name}")


class Power:
    """Starts, stops and kills its server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = asyncio.Lock()
        self._preparing: asyncio.Task[Surroundings] | None = None
        self._launching: asyncio.Task[None] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether an action is under way."""
        return self._lock.locked()

    async def perform(self, action: PowerAction, *, wait_s: float) -> None:
        """Do what `POST .../power` asks for.

        Args:
            wait_s: How long to wait for another action; 0 refuses at once. `kill` never waits.

        Raises:
            ServerBusy: Another action, an install or a transfer is under way.
            StateConflict: A start of a server that is not offline.
            StartFailed: It could not be started; state and `last_exit` say so as well.
        """
        server = self._server
        self._require_free()
        if action == "kill":
            await self.kill()
            return
        async with self.held(wait_s):
            server.require_here()
            if action in ("stop", "restart"):
                await self.stop()
            if action in ("start", "restart"):
                await self._start()

    @asynccontextmanager
    async def held(self, wait_s: float) -> AsyncIterator[None]:
        """Hold the power lock.

        Raises:
            ServerBusy: It was not free in time.
        """
        if wait_s <= 0 and self._lock.locked():
            raise ServerBusy("Another power action is under way.")
        try:
            async with asyncio.timeout(wait_s if wait_s > 0 else None):
                await self._lock.acquire()
        except TimeoutError:
            raise ServerBusy("Another power action is under way.") from None
        try:
            yield
        finally:
            self._lock.release()

    async def _start(self) -> None:
        server = self._server
        if server.is_suspended:
            raise ServerSuspended
        self._require_free()
        if server.state != "offline":
            raise StateConflict(f"The server is {server.state}.")
        server.set_state("starting")
        try:
            await self._prepare_and_launch()
        except (NodeError, OSError) as error:
            server.not_started(str(error))
            raise StartFailed(str(error)) from error

    def _require_free(self) -> None:
        if self._server.installation is not None:
            raise ServerBusy("The server is being installed.")
        self._server.require_here()

    async def _prepare_and_launch(self) -> None:
        self._preparing = asyncio.create_task(prepare(self._server))
        try:
            around = await self._preparing
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # the agent ends; the journal knows that this server was starting
            raise StartFailed("The start was given up.") from None
        finally:
            self._preparing = None
        self._launching = asyncio.create_task(launch(self._server, around))
        try:
            await asyncio.shield(self._launching)
        finally:
            self._launching = None

    async def stop(self, *, patience_s: float = STOP_PATIENCE_S, reason: str = "stopped") -> None:
        """Ask the server to stop, wait, and kill it in the end. Nothing happens while it is offline.

        The caller holds the lock.
        """
        run = self._server.run
        if not await self.ended_when_asked(patience_s=patience_s, reason=reason) and run is not None:
            self._server.console.say(f"The server did not stop within {patience_s:.0f} s and is killed.")
            await self._kill_run(run)

    async def ended_when_asked(self, *, patience_s: float, reason: str) -> bool:
        """Ask the server to stop and wait; whether it is offline then. The caller holds the lock, nothing is killed."""
        run = self._server.run
        if run is None or self._server.state == "offline":
            return True
        run.ended_by = run.ended_by or reason
        self._server.set_state("stopping")
        await self._ask_to_stop(run)
        return await run.wait_end(patience_s)

    async def _ask_to_stop(self, run: Run) -> None:
        stop = self._server.configuration.process_configuration.stop
        engine = self._server.host.engine
        if stop.type == "command" and run.write(stop.value):
            return
        if stop.type == "signal" and stop.value:
            await engine.signal(run.container_id, signal_name(stop.value))
        elif stop.type in ("command", "stop"):
            facts = await engine.inspect(run.container_id)
            await engine.signal(run.container_id, facts.stop_signal if facts else "SIGTERM")
        else:
            await engine.signal(run.container_id)

    async def kill(self, *, reason: str = "killed") -> None:
        """End the server now, also in the middle of a start or a stop."""
        if self._preparing is not None:
            self._preparing.cancel()
            return
        if self._launching is not None:
            await asyncio.wait([self._launching], timeout=LAUNCH_PATIENCE_S)
        run = self._server.run
        if run is not None:
            run.ended_by = reason
            self._server.set_state("stopping")
            await self._kill_run(run)

    async def go_on_stopping(self) -> None:
        """After a restart of the agent: a stop that was under way is waited for as if it had just begun."""
        async with self.held(0):
            run = self._server.run
            if run is not None and not await run.wait_end(STOP_PATIENCE_S):
                await self._kill_run(run)

    async def give_up(self) -> None:
        """Before a deletion: end a start under way; the container is removed by the caller."""
        if self._preparing is not None:
            self._preparing.cancel()
        if self._launching is not None:
            await asyncio.wait([self._launching], timeout=LAUNCH_PATIENCE_S)

    async def _kill_run(self, run: Run) -> None:
        await self._server.host.engine.signal(run.container_id)
        await run.wait_end(KILL_PATIENCE_S)
