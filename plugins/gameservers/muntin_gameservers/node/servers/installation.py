"""One run of a server's install script in a container of its own."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from muntin_gameservers.contract import InstallScript
from muntin_gameservers.node.containers.specification import install_container, installer_name
from muntin_gameservers.node.docker_engine.errors import EngineError
from muntin_gameservers.node.docker_engine.facts import ContainerFacts
from muntin_gameservers.node.servers.disk import owned_volume, prepared_volume
from muntin_gameservers.node.servers.errors import InstallFailed
from muntin_gameservers.node.servers.install_log import InstallLog
from muntin_gameservers.node.servers.run import Run
from muntin_gameservers.node.servers.terminal_lines import LineSplitter
from muntin_node.errors import NodeError
from muntin_node.files import ConfinedRoot
from muntin_node.threads import in_file_thread

if TYPE_CHECKING:
    from muntin_gameservers.node.servers.server import Server

log = logging.getLogger(__name__)
DEFAULT_TIME_LIMIT_S = 3600.0
LOOK_INTERVAL_S = 1.0
LAUNCH_TIMEOUT_S = 30.0


class Installation:
    """Runs once. The caller holds the server's power lock and tells the panel the outcome.

    Attributes:
        run: The install container while there is one.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._host = server.host
        self._log = InstallLog(self._host.install_log(server.uuid))
        self._splitter = LineSplitter()
        self._facts: ContainerFacts | None = None
        self.run: Run | None = None

    async def perform(self) -> None:
        """Fetch the script, run it, and give the files to the server's account. Leaves no container.

        Raises:
            NodeError: Why the server is not installed.
        """
        server = self._server
        await prepared_volume(self._host, server.uuid)
        if server.settings.skip_egg_scripts:
            return
        server.channel.publish("install started")
        script = await self._host.reports.install_script(server.uuid)
        self._host.require_engine()
        await self._host.images.ensure(script.container_image, self._host.config, self._show)
        try:
            await self._run_script(script)
        finally:
            await asyncio.shield(self._clean_up())
        await owned_volume(self._host, server.uuid)

    def _show(self, line: str) -> None:
        self._log.add(line)
        self._server.install_output.publish(line)

    def _output(self, data: bytes) -> None:
        for line in self._splitter.feed(data):
            self._show(line)

    async def _run_script(self, script: InstallScript) -> None:
        server, staging = self._server, self._host.staging(self._server.uuid)
        await in_file_thread(_write_script, staging, script.script)
        around = await self._host.surroundings(server.settings)
        spec = install_container(server.settings, script, around, self._host.volume(server.uuid), staging)
        self._log.begin(spec)
        await in_file_thread(self._log.flush, truncate=True)
        async with self._host.starting:
            await self._host.remove_container(installer_name(server.uuid))
            container_id = await self._host.engine.create(installer_name(server.uuid), spec)
            self.run = Run(self._host, container_id, self._output, self._ended)
            async with asyncio.timeout(LAUNCH_TIMEOUT_S):
                await self.run.attach()
                await self._host.engine.start(container_id)
            self.run.is_started = True
        await self._wait(self.run)
        self._check_exit()

    def _ended(self, run: Run, facts: ContainerFacts | None) -> None:
        self._facts = facts
        for line in self._splitter.finish():
            self._show(line)

    async def _wait(self, run: Run) -> None:
        loop = asyncio.get_running_loop()
        extra = self._host.config.docker.installer_limits.model_extra or {}
        limit_s = float(extra.get("timeout", DEFAULT_TIME_LIMIT_S))
        deadline = loop.time() + limit_s
        while not await run.wait_end(LOOK_INTERVAL_S):
            await in_file_thread(self._log.flush)
            await run.look()
            if loop.time() > deadline:
                raise InstallFailed(f"The install script ran longer than {limit_s:.0f} s.")
            await self._check_disk()

    async def _check_disk(self) -> None:
        build = self._server.settings.build
        if build.disk_space and self._server.disk.is_due(changing=True):
            await self._server.disk.measure()
            if self._server.disk.is_over(build):
                raise InstallFailed(f"The disk limit is exceeded: {self._server.disk.complaint(build)}.")

    def _check_exit(self) -> None:
        if self._facts is None:
            raise InstallFailed("The install container vanished.")
        if self._facts.oom_killed:
            raise InstallFailed("The install script ran out of memory.")
        if self._facts.exit_code != 0:
            raise InstallFailed(f"The install script ended with exit code {self._facts.exit_code}.")

    async def _clean_up(self) -> None:
        if self.run is not None:
            self.run.abandon()
        try:
            await self._host.remove_container(installer_name(self._server.uuid))
        except EngineError as error:
            log.warning("The install container of %s is left for later: %s", self._server.uuid, error)
        await in_file_thread(self._log.flush)
        await in_file_thread(_remove_staging, self._host.staging(self._server.uuid))


def _write_script(staging: Path, script: str) -> None:
    staging.mkdir(parents=True, exist_ok=True)
    path = staging / "install.sh"
    path.write_bytes(script.replace("\r\n", "\n").encode())
    path.chmod(0o644)


def _remove_staging(staging: Path) -> None:
    try:
        with ConfinedRoot(staging.parent) as root:
            root.remove(staging.name)
    except NodeError as error:
        log.warning("%s could not be removed: %s", staging, error)
