"""The steps of a start: what may take long and can be given up, then the container itself."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from muntin_gameservers.node.containers.environment import container_environment
from muntin_gameservers.node.containers.host_files import write_machine_id, write_passwd_files
from muntin_gameservers.node.containers.specification import Surroundings, image_name, run_container
from muntin_gameservers.node.docker_engine.errors import EngineError
from muntin_gameservers.node.rewriting.configuration_files import rewrite_files
from muntin_gameservers.node.rewriting.replacing import visible_configuration
from muntin_gameservers.node.servers.disk import owned_volume, prepared_volume
from muntin_gameservers.node.servers.errors import ServerSuspended, StartFailed
from muntin_node.errors import NodeError, PanelUnreachable
from muntin_node.files import ConfinedRoot
from muntin_node.threads import in_file_thread

if TYPE_CHECKING:
    from muntin_gameservers.node.servers.server import Server

log = logging.getLogger(__name__)
LAUNCH_TIMEOUT_S = 30.0


async def prepare(server: Server) -> Surroundings:
    """Everything before the container: settings, disk, configuration files, owner, image. May be cancelled.

    Raises:
        NodeError: Why it cannot start.
    """
    host = server.host
    await _synchronise(server)
    if server.is_suspended:
        raise ServerSuspended
    host.require_engine()
    await prepared_volume(host, server.uuid)
    await server.disk.measure()
    if server.disk.is_over(server.settings.build):
        raise StartFailed(f"The disk limit is exceeded: {server.disk.complaint(server.settings.build)}.")
    around = await host.surroundings(server.settings)
    await _write_files(server, around)
    await host.images.ensure(server.settings.container.image, host.config, server.console.say)
    return around


async def _synchronise(server: Server) -> None:
    """The panel's settings as they are now; without an answer those known here do."""
    try:
        server.adopt(await server.host.reports.configuration(server.uuid))
    except PanelUnreachable:
        server.console.say("The panel does not answer; the server starts with the settings known here.")


async def _write_files(server: Server, around: Surroundings) -> None:
    host, settings = server.host, server.settings
    variables = container_environment(settings, timezone=host.config.system.timezone, interface=around.interface)

    def rewrite() -> list[str]:
        write_passwd_files(host.config, around.account)
        write_machine_id(host.config, server.uuid)
        with ConfinedRoot(host.volume(server.uuid)) as root:
            return rewrite_files(
                root,
                server.configuration.process_configuration.configs,
                visible=visible_configuration(around.interface),
                variables=variables,
                owner=host.owner,
            )

    for complaint in await in_file_thread(rewrite):
        server.console.say(complaint)
    if host.config.system.check_permissions_on_boot:
        await owned_volume(host, server.uuid)


async def launch(server: Server, around: Surroundings) -> None:
    """Make the container anew, join its terminal, start it. Leaves no container behind when that fails.

    Raises:
        StartFailed: The engine's own words.
    """
    host = server.host
    async with host.starting:
        try:
            await host.remove_container(server.uuid)
            by_itself = await host.engine.starts_by_itself(image_name(server.settings.container.image))
            spec = run_container(server.settings, around, host.volume(server.uuid), starts_by_itself=by_itself)
            container_id = await host.engine.create(server.uuid, spec)
            await _start(server, container_id)
        except (NodeError, OSError, TimeoutError) as error:
            await _clean_up(server)
            raise StartFailed(f"The container could not be started: {error or 'it took too long'}") from error


async def _start(server: Server, container_id: str) -> None:
    run = server.new_run(container_id)
    async with asyncio.timeout(LAUNCH_TIMEOUT_S):
        await run.attach()
        await server.host.engine.start(container_id)
    run.is_started = True
    if await run.look():
        server.started()


async def _clean_up(server: Server) -> None:
    if server.run is not None:
        server.run.abandon()
    try:
        await server.host.remove_container(server.uuid)
    except EngineError as error:
        log.warning("The container of %s is left for its next start: %s", server.uuid, error)
