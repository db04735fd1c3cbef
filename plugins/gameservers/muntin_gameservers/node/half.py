"""The running node half: what its routes work with, and how it comes and goes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from muntin_gameservers.node.docker_engine.engine import Engine
from muntin_gameservers.node.docker_engine.errors import EngineError
from muntin_gameservers.node.docker_engine.events import EventFeed
from muntin_gameservers.node.servers.activity import Activity
from muntin_gameservers.node.servers.boot import Boot
from muntin_gameservers.node.servers.disk_watch import DiskWatch
from muntin_gameservers.node.servers.figures import Figures
from muntin_gameservers.node.servers.fleet import Fleet
from muntin_gameservers.node.servers.host import Host
from muntin_gameservers.node.servers.installing import deliver_again
from muntin_gameservers.node.sockets.registry import SocketRegistry
from muntin_gameservers.node.transfers.transfers import Transfers
from muntin_node.context import NodeContext
from muntin_node.contributions import RunningHalf

log = logging.getLogger(__name__)
BOOT_PATIENCE_S = 20.0
USAGE_INTERVAL_S = 5.0
USAGE_SERVERS = 200  # in one frame, which keeps it far below the panel's 256 KiB


class GameServers:
    """Everything of this half; `state_of(GameServers)` in a view.

    Attributes:
        sockets: The websockets that look at servers.
        transfers: Servers that leave this node or come to it.
    """

    def __init__(self, context: NodeContext) -> None:
        self.context = context
        self.host = Host(context, Engine())
        self.fleet = Fleet(self.host)
        self.activity = Activity(self.host)
        self.sockets = SocketRegistry()
        self.transfers = Transfers(self.fleet)
        self._boot = Boot(self.fleet, self.transfers)
        self._events = EventFeed(self.host.engine, self.fleet.on_event, self._engine_came, self._engine_went)

    async def start(self) -> RunningHalf:
        """Look for servers; a panel or engine that is away is waited for in the background."""
        try:
            await self.host.connect()
        except EngineError as error:
            self._engine_went(str(error))
        self._events.open()
        boot = self.host.spawn(self._boot.run(), "boot of game servers")
        await asyncio.wait([boot], timeout=BOOT_PATIENCE_S)
        figures, disks = Figures(self.fleet.all), DiskWatch(self.fleet.all)
        return RunningHalf(
            state=self,
            tasks=(
                figures.run,
                disks.run,
                self.activity.run,
                self.host.journal.write_states,
                self.fleet.consoles.run,
                self.host.reports.send_state_changes,
                lambda: deliver_again(self.host),
                self._tell_usage,
            ),
            close=self.close,
            health=self.health,
            system=self.system,
            deauthorize=self.deauthorize,
        )

    async def close(self) -> None:
        """Leave everything as it runs."""
        self._events.close()
        await self.fleet.close()
        await self.host.close()
        await self.host.journal.save_states()

    def _engine_came(self) -> None:
        self.host.spawn(self._look_around(), "look around after the engine came")

    async def _look_around(self) -> None:
        await self.host.connect()
        log.info("The Docker engine answers.")
        await self.fleet.look_at_all()
        await self._boot.find_after_absence()

    def _engine_went(self, reason: str) -> None:
        if self.host.engine_error is None:
            for server in self.fleet.all():
                server.channel.publish("daemon message", "The Docker engine of this node does not answer.")
        self.host.engine_error = reason
        log.warning("The Docker engine cannot be used: %s", reason)

    async def _tell_usage(self) -> None:
        """Tell the panel what running servers use, for its pages; lost while the panel is away."""
        while True:
            await asyncio.sleep(USAGE_INTERVAL_S)
            running = [server for server in self.fleet.all() if server.state != "offline"]
            for some in (running[at : at + USAGE_SERVERS] for at in range(0, len(running), USAGE_SERVERS)):
                figures = {server.uuid: server.usage.model_dump(mode="json") for server in some}
                self.context.bus.send("gameservers.usage", {"servers": figures})

    def health(self) -> Mapping[str, object]:
        """Figures for the panel."""
        servers = self.fleet.all()
        return {
            "loaded": self.fleet.is_loaded,
            "engine_error": self.host.engine_error,
            "servers": len(servers),
            "running": sum(server.state != "offline" for server in servers),
            "installing": sum(server.installation is not None for server in servers),
            "transferring": sum(server.is_transferring for server in servers),
        }

    async def system(self) -> Mapping[str, object]:
        """The `docker` key of the node's facts."""
        features = await self.host.engine.features()
        return {
            "docker": {
                "version": features.version,
                "cgroups": {"driver": features.cgroup_driver, "version": features.cgroup_version},
                "containers": {
                    "total": features.containers,
                    "running": features.running,
                    "paused": features.paused,
                    "stopped": features.stopped,
                },
                "storage": {"driver": features.storage_driver, "filesystem": features.storage_filesystem},
                "runc": {"version": features.runc_version},
            }
        }

    async def deauthorize(self, user_uuid: str, server_uuids: tuple[str, ...]) -> None:
        """Close a user's sockets."""
        self.sockets.recheck_user(user_uuid, server_uuids)


async def start(context: NodeContext) -> RunningHalf:
    """Start this half."""
    return await GameServers(context).start()
