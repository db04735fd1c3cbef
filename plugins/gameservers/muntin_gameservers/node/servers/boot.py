"""Finding everything again: what the panel wants, what the engine runs, what was being done."""

from __future__ import annotations

import asyncio
import logging

from muntin_gameservers.contract import PowerState
from muntin_gameservers.node.docker_engine.errors import EngineError
from muntin_gameservers.node.servers.fleet import Fleet
from muntin_gameservers.node.servers.installing import deliver, note_interrupted
from muntin_gameservers.node.servers.server import Server
from muntin_gameservers.node.transfers.transfers import Transfers
from muntin_node.errors import NodeError, PanelError

log = logging.getLogger(__name__)
SERVERS_AT_ONCE = 4
PANEL_RETRY_S = 3.0
START_PATIENCE_S = 300.0


class Boot:
    """Runs once per start of the agent; waits for panel and engine as long as they are away."""

    def __init__(self, fleet: Fleet, transfers: Transfers) -> None:
        self._fleet = fleet
        self._transfers = transfers
        self._host = fleet.host
        self._found: set[str] = set()
        self._finding = asyncio.Lock()

    async def run(self) -> None:
        """Load the servers, look for their containers, tell the panel what was cut off, then let calls in."""
        await asyncio.to_thread(self._host.journal.load)
        self._host.console_memories.update(await asyncio.to_thread(self._fleet.consoles.load))
        note_interrupted(self._host)
        await self._host.journal.save()
        await self._load()
        await self._transfers.recover_arrivals()
        self._transfers.lock_departures()
        await self.find_containers()
        await asyncio.gather(*(deliver(self._host, uuid) for uuid in list(self._host.journal.installs)))
        try:
            await self._host.reports.reset()
        except PanelError as error:
            log.warning("The panel was not told that nothing is under way here: %s", error)
        self._transfers.recover_departures()
        self._fleet.is_loaded = True

    async def _load(self) -> None:
        while True:
            try:
                per_page = self._host.config.remote_query.boot_servers_per_page
                configurations = await self._host.reports.configurations(per_page)
                break
            except PanelError as error:
                log.warning("The panel did not say which servers there are, it is asked again: %s", error)
                await asyncio.sleep(PANEL_RETRY_S)
        for configuration in configurations:
            if configuration.settings.uuid not in self._host.journal.deletions:
                self._fleet.add(configuration)

    async def find_after_absence(self) -> None:
        """When the engine comes (back): look again for every container, also of servers that seem offline."""
        self._found.clear()
        await self.find_containers()

    async def find_containers(self) -> None:
        """Look for the container of each server not looked for yet."""
        async with self._finding:
            if self._host.engine_error is not None:
                return
            await self._fleet.remove_stray_installers(keep=self._installing)
            await self._fleet.finish_deletions()
            gate = asyncio.Semaphore(SERVERS_AT_ONCE)
            missing = [server for server in self._fleet.all() if server.uuid not in self._found]
            await asyncio.gather(*(self._find(server, gate) for server in missing))

    @property
    def _installing(self) -> set[str]:
        return {server.uuid for server in self._fleet.all() if server.installation is not None}

    async def _find(self, server: Server, gate: asyncio.Semaphore) -> None:
        async with gate:
            try:
                await self._find_container(server)
                self._found.add(server.uuid)
            except EngineError as error:
                log.warning("The container of %s could not be looked for: %s", server.uuid, error)

    async def _find_container(self, server: Server) -> None:
        if server.run is not None or server.state != "offline" or server.installation is not None:
            return
        saved = self._host.journal.states.get(server.uuid, "offline")
        facts = await self._host.own_container(server.uuid)
        if facts is not None and facts.running:
            await self._go_on(server, facts.id, saved)
        elif saved != "offline":
            server.ended_while_away(facts, saved)
            if saved != "stopping":
                self._host.spawn(_start_again(server), f"start of {server.uuid} after the agent was away")

    async def _go_on(self, server: Server, container_id: str, saved: PowerState) -> None:
        state: PowerState = "running" if saved == "offline" else saved
        self._host.journal.note_state(server.uuid, state)
        await server.rejoin(container_id, state)
        server.announce()
        if server.state == "stopping":
            self._host.spawn(server.power.go_on_stopping(), f"stop of {server.uuid}")
        elif server.is_suspended:
            self._host.spawn(server.power.perform("stop", wait_s=0), f"stop of suspended {server.uuid}")


async def _start_again(server: Server) -> None:
    if not server.is_suspended:
        try:
            await server.power.perform("start", wait_s=START_PATIENCE_S)
        except NodeError as error:
            log.warning("%s could not be started again: %s", server.uuid, error)
