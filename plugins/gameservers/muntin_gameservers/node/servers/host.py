"""What all servers of this node share."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from muntin_gameservers.contract import ServerSettings
from muntin_gameservers.node.containers.account import Account, account_of
from muntin_gameservers.node.containers.images import Images
from muntin_gameservers.node.containers.network import Network
from muntin_gameservers.node.containers.specification import NODE_LABEL, Surroundings
from muntin_gameservers.node.docker_engine.engine import Engine
from muntin_gameservers.node.docker_engine.errors import EngineAway
from muntin_gameservers.node.docker_engine.facts import ContainerFacts, EngineFeatures
from muntin_gameservers.node.servers.console_memory import ConsoleMemory
from muntin_gameservers.node.servers.journal import Journal
from muntin_gameservers.node.servers.reports import Reports
from muntin_node.config import NodeConfig
from muntin_node.context import NodeContext
from muntin_node.errors import NodeError
from muntin_node.files import Owner

log = logging.getLogger(__name__)


class Host:
    """Engine, panel, folders and the tasks that run beside requests.

    Attributes:
        engine_error: Why the engine cannot be used now; None while it can.
        console_memories: Consoles of an earlier run of the agent, until their servers are known.
        starting: Bounds how many containers start at once: starting is work for all cores.
    """

    def __init__(self, context: NodeContext, engine: Engine) -> None:
        self.context = context
        self.engine = engine
        self.images = Images(engine)
        self.network = Network(engine)
        self.reports = Reports(context.panel)
        root = context.config.system.root_directory
        self.journal = Journal(root / "states.json", context.data_dir / "journal.json")
        self.console_memories: dict[str, ConsoleMemory] = {}
        self.starting = asyncio.Semaphore(max(2, os.cpu_count() or 1))
        self.scanning = asyncio.Semaphore(1)
        self.engine_error: str | None = "The Docker engine has not answered yet."
        self._features: EngineFeatures | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def config(self) -> NodeConfig:
        """The node's configuration as it is now."""
        return self.context.config

    @property
    def account(self) -> Account:
        """Who owns files and runs servers."""
        return account_of(self.config)

    @property
    def owner(self) -> Owner:
        """The same, as the file functions take it."""
        return Owner(self.account.uid, self.account.gid)

    def volume(self, uuid: str) -> Path:
        """A server's folder."""
        return self.config.system.data / uuid

    def staging(self, uuid: str) -> Path:
        """Where a server's install script lies while it runs."""
        return self.config.system.tmp_directory / uuid

    def install_log(self, uuid: str) -> Path:
        """Where the output of a server's last install lies."""
        return self.config.system.log_directory / "install" / f"{uuid}.log"

    async def connect(self) -> None:
        """Ask what the engine can do and make the network.

        Raises:
            EngineError: It does not answer or refuses the network.
        """
        self._features = await self.engine.features()
        await self.network.ensure(self.config)
        self.engine_error = None

    def require_engine(self) -> EngineFeatures:
        """What the engine can do.

        Raises:
            EngineAway: It does not answer now.
        """
        if self.engine_error is not None or self._features is None:
            raise EngineAway(self.engine_error or "")
        return self._features

    async def own_container(self, name: str) -> ContainerFacts | None:
        """A container that this node made; None when there is none, or the agent of another node made it.

        Two agents may share one engine, and the containers of a server that moves have the same name on both.
        """
        facts = await self.engine.inspect(name)
        return facts if facts is not None and facts.labels.get(NODE_LABEL) in (None, self.config.uuid) else None

    async def remove_container(self, name: str) -> None:
        """Kill and remove a container that this node made; none is fine."""
        facts = await self.own_container(name)
        if facts is not None:
            await self.engine.remove(facts.id)

    async def surroundings(self, settings: ServerSettings) -> Surroundings:
        """What the specification of a server's containers needs to know."""
        features = self.require_engine()
        return Surroundings(
            config=self.config,
            account=self.account,
            features=features,
            interface=self.network.interface(self.config),
            network_mode=await self.network.mode_for(settings.allocations, self.config),
        )

    def spawn(self, work: Coroutine[Any, Any, None], what: str) -> asyncio.Task[None]:
        """Run something beside the request that asked for it; its failure is logged."""
        task = asyncio.create_task(work, name=what)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, NodeError):
            log.info("%s: %s", task.get_name(), error)
        elif error is not None:
            log.error("%s failed", task.get_name(), exc_info=error)

    async def close(self) -> None:
        """Cancel what runs and let the engine go; containers go on."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.engine.close()
