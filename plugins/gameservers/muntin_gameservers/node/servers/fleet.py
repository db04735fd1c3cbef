"""All servers of this node: found again at boot, made, synchronised, deleted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection

from muntin_gameservers.contract import ServerConfiguration
from muntin_gameservers.node.containers.limits import run_limits
from muntin_gameservers.node.containers.specification import NODE_LABEL, installer_name
from muntin_gameservers.node.docker_engine.errors import EngineError
from muntin_gameservers.node.docker_engine.facts import EngineEvent
from muntin_gameservers.node.servers.console_memory import ConsoleKeeper
from muntin_gameservers.node.servers.disk import removed
from muntin_gameservers.node.servers.errors import PanelLookupFailed, ServerUnknown
from muntin_gameservers.node.servers.host import Host
from muntin_gameservers.node.servers.installing import begin_install, deliver
from muntin_gameservers.node.servers.journal import PendingInstall
from muntin_gameservers.node.servers.run import Run
from muntin_gameservers.node.servers.server import Server
from muntin_node.errors import NodeError, PanelError, Unavailable

log = logging.getLogger(__name__)
SUSPENSION_PATIENCE_S = 60.0


class Fleet:
    """Servers by uuid.

    Attributes:
        is_loaded: Turns true when the panel has said which ones there are.
        before_deletion: Told the uuid of a server that is about to be deleted, known or not.
    """

    def __init__(self, host: Host) -> None:
        self.host = host
        self.is_loaded = False
        self.before_deletion: Callable[[str], Awaitable[None]] = _nothing
        self._servers: dict[str, Server] = {}
        self.consoles = ConsoleKeeper(host.context.data_dir / "consoles", self.all)

    def all(self) -> Collection[Server]:
        """Every server, in the order they became known."""
        return tuple(self._servers.values())

    def get(self, uuid: str) -> Server:
        """One server.

        Raises:
            Unavailable: The panel has not yet said which servers there are.
            ServerUnknown: It is not one of them.
        """
        server = self._servers.get(uuid)
        if server is None and not self.is_loaded:
            raise Unavailable("The node has not heard from the panel yet which servers it has.")
        if server is None:
            raise ServerUnknown
        return server

    def knows(self, uuid: str) -> bool:
        """Whether there is a server with this uuid."""
        return uuid in self._servers

    def add(self, configuration: ServerConfiguration) -> Server:
        """Know a server; one that is known takes the new configuration."""
        server = self._servers.get(configuration.settings.uuid)
        if server is None:
            server = self._servers[configuration.settings.uuid] = Server(self.host, configuration)
        else:
            server.adopt(configuration)
        return server

    async def create(self, uuid: str, *, start: bool) -> None:
        """Know a server and install it. Asked again, an install under way or done is not repeated.

        Raises:
            PanelLookupFailed: The panel could not be asked about it.
        """
        if not self.is_loaded:
            raise Unavailable("The node has not heard from the panel yet which servers it has.")
        self.require_vacant(uuid)
        server = self.add(await self.looked_up(uuid))
        if server.installation is not None:
            return
        if self.host.journal.installed.get(uuid):
            self.host.journal.installs[uuid] = PendingInstall(reinstall=False, successful=True)
            await self.host.journal.save()
            self.host.spawn(deliver(self.host, uuid), f"report of {uuid}")
            return
        await begin_install(server, reinstall=False, start=start)

    def require_vacant(self, uuid: str) -> None:
        """Refuse a uuid of which something is left here that does not count.

        Raises:
            Unavailable: A server with it is being removed, or received from another node.
        """
        if uuid in self.host.journal.deletions:
            raise Unavailable("What is left of a server with this uuid is still being removed.")
        if uuid in self.host.journal.arrivals:
            raise Unavailable("A server with this uuid is being received from another node.")

    async def install(self, server: Server, *, reinstall: bool, wipe: bool = False) -> None:
        """Run the install script (again) with the panel's present settings; files are kept unless `wipe` says so.

        Raises:
            ServerBusy: Another action holds the server.
        """
        try:
            server.adopt(await self.host.reports.configuration(server.uuid))
        except PanelError as error:
            log.warning("%s is installed with the settings known here: %s", server.uuid, error)
        await begin_install(server, reinstall=reinstall, start=False, wipe=wipe)

    async def synchronise(self, server: Server) -> None:
        """Take the panel's settings over now: limits change live, a suspended server is stopped.

        Raises:
            PanelLookupFailed: The panel could not be asked.
        """
        server.adopt(await self.looked_up(server.uuid))
        if server.is_suspended:
            server.channel.publish("suspended")
            self.host.spawn(_stop_suspended(server), f"stop of suspended {server.uuid}")
        elif server.run is not None:
            self.host.spawn(_apply_limits(server), f"limits of {server.uuid}")

    async def looked_up(self, uuid: str) -> ServerConfiguration:
        """What the panel wants of a server.

        Raises:
            PanelLookupFailed: The panel could not be asked.
        """
        try:
            return await self.host.reports.configuration(uuid)
        except PanelError as error:
            raise PanelLookupFailed(str(error)) from error

    async def delete(self, uuid: str) -> None:
        """Forget a server; its container is gone when this returns, its files soon after.

        A uuid that is not known is cleaned up all the same, since an earlier deletion may have been cut off.

        Raises:
            ServerUnknown: It was not known.
            EngineError: The container could not be removed; the server is still known, so that it can be repeated.
        """
        await self.before_deletion(uuid)
        server = self._servers.get(uuid)
        self.host.journal.deletions.add(uuid)
        await self.host.journal.save()
        if server is not None:
            await self._dismantle(server)
        await self.remove_containers(uuid)
        self._servers.pop(uuid, None)
        self.host.journal.forget(uuid)
        self.host.reports.forget(uuid)
        self.host.spawn(self._remove_files(uuid), f"removal of {uuid}")
        if server is None:
            raise ServerUnknown

    async def _dismantle(self, server: Server) -> None:
        if not server.is_deleted:
            server.is_deleted = True
            server.channel.publish("deleted", "null")
        if server.install_task is not None:
            server.install_task.cancel()
            await asyncio.gather(server.install_task, return_exceptions=True)
        await server.power.give_up()
        await server.close()

    async def forget(self, uuid: str) -> None:
        """Know a server no more; its files are the caller's. Nothing happens to one that is not known."""
        server = self._servers.pop(uuid, None)
        if server is not None:
            await self._dismantle(server)
        await self.consoles.forget(uuid)
        self.host.journal.forget(uuid)
        self.host.reports.forget(uuid)

    async def remove_containers(self, uuid: str) -> None:
        """Remove both containers of a server, if they are there and this node's."""
        self.host.require_engine()
        await asyncio.gather(*(self.host.remove_container(name) for name in (uuid, installer_name(uuid))))

    async def _remove_files(self, uuid: str) -> None:
        await removed(self.host, uuid)
        await self.consoles.forget(uuid)
        self.host.journal.deletions.discard(uuid)
        await self.host.journal.save()

    async def finish_deletions(self) -> None:
        """At boot or when the engine is back: go on with deletions that were cut off."""
        for uuid in list(self.host.journal.deletions):
            try:
                await self.delete(uuid)
            except ServerUnknown:
                continue
            except NodeError as error:
                log.warning("The deletion of %s waits: %s", uuid, error)

    async def remove_stray_installers(self, *, keep: Collection[str]) -> None:
        """At boot: install containers of earlier runs of the agent belong to no install any more.

        Args:
            keep: Servers that are being installed now.
        """
        try:
            label = f"{NODE_LABEL}={self.host.config.uuid}"
            for name in await self.host.engine.names(label):
                uuid, is_installer = name.removesuffix("_installer"), name.endswith("_installer")
                if is_installer and uuid not in keep:
                    await self.host.engine.remove(name)
        except EngineError as error:
            log.warning("Install containers of an earlier run could not be removed: %s", error)

    def on_event(self, event: EngineEvent) -> None:
        """What the engine's stream says about one of our containers."""
        server = self._servers.get(event.name.removesuffix("_installer"))
        if server is None or event.action == "start":
            return
        installation = server.installation
        run = installation.run if event.name.endswith("_installer") and installation else server.run
        if run is not None and run.container_id == event.container_id:
            self.host.spawn(_look(run), f"look at {event.name}")

    async def look_at_all(self) -> None:
        """After the engine was away: see what became of every container."""
        for server in self.all():
            if server.run is not None:
                try:
                    await server.run.rejoin()
                    if server.state == "stopping" and not server.power.is_busy:
                        self.host.spawn(server.power.go_on_stopping(), f"stop of {server.uuid}")
                except EngineError as error:
                    log.warning("The terminal of %s is lost: %s", server.uuid, error)

    async def close(self) -> None:
        """Leave all terminals; containers go on."""
        await self.consoles.save()
        for server in self.all():
            await server.close()


async def _nothing(_: str) -> None:
    """What is to be done before a deletion while nothing else knows of servers."""


async def _look(run: Run) -> None:
    await run.look()


async def _stop_suspended(server: Server) -> None:
    async with server.power.held(SUSPENSION_PATIENCE_S):
        await server.power.stop(patience_s=SUSPENSION_PATIENCE_S, reason="suspended")


async def _apply_limits(server: Server) -> None:
    features = server.host.require_engine()
    limits = run_limits(server.settings.build, server.host.config).live_update(features)
    if limits:
        try:
            await server.host.engine.update(server.uuid, limits)
        except EngineError as error:
            server.console.say(f"The new limits take effect at the next start: {error}")
