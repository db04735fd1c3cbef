"""Installs and reinstalls of a server, with the journal and the panel kept informed."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from muntin_gameservers.contract import InstallReport
from muntin_gameservers.node.servers.errors import ServerBusy
from muntin_gameservers.node.servers.host import Host
from muntin_gameservers.node.servers.installation import Installation
from muntin_gameservers.node.servers.journal import PendingInstall
from muntin_gameservers.node.servers.server import Server
from muntin_node.errors import NodeError
from muntin_node.files import ConfinedRoot
from muntin_node.threads import in_file_thread

log = logging.getLogger(__name__)
STOP_PATIENCE_S = 10.0
START_PATIENCE_S = 30.0
INTERRUPTED = "The node was restarted while the install ran."
REPORT_INTERVAL_S = 15.0


async def begin_install(server: Server, *, reinstall: bool, start: bool, wipe: bool = False) -> None:
    """Note the install and run it beside the request.

    Args:
        wipe: Remove all files first.

    Raises:
        ServerBusy: A power action holds the server, or it is being installed or moved already.
    """
    server.require_here()
    if server.installation is not None or server.power.is_busy:
        raise ServerBusy("The server is busy with another action.")
    server.installation = Installation(server)
    server.install_began = server.install_output.next_seq
    host = server.host
    host.journal.installs[server.uuid] = PendingInstall(reinstall=reinstall)
    try:
        await host.journal.save()
    except OSError:
        server.installation = None
        raise
    work = _install(server, server.installation, reinstall=reinstall, start=start, wipe=wipe)
    server.install_task = host.spawn(work, f"install of {server.uuid}")


async def _install(server: Server, installation: Installation, *, reinstall: bool, start: bool, wipe: bool) -> None:
    report = InstallReport(successful=True, reinstall=reinstall)
    host_volume = server.host.volume(server.uuid)
    try:
        async with server.power.held(0):
            await server.power.stop(patience_s=STOP_PATIENCE_S, reason="stopped for an install")
            if wipe:
                await in_file_thread(_empty, host_volume)
            await installation.perform()
    except (NodeError, OSError, TimeoutError) as error:
        reason = str(error) or "The engine took too long."
        report = InstallReport(successful=False, reinstall=reinstall, reason=reason)
        server.console.say(f"The install failed: {reason}")
        server.install_output.publish(reason)
    finally:
        server.installation = None
    await _finish(server, report)
    if report.successful and start:
        await server.power.perform("start", wait_s=START_PATIENCE_S)


def _empty(volume: Path) -> None:
    """Remove everything inside a server's folder."""
    if volume.is_dir():
        with ConfinedRoot(volume) as root:
            for entry in root.listdir():
                root.remove(entry.name)


async def _finish(server: Server, report: InstallReport) -> None:
    host = server.host
    host.journal.installed[server.uuid] = report.successful
    host.journal.installs[server.uuid] = PendingInstall(
        reinstall=report.reinstall, successful=report.successful, reason=report.reason
    )
    await host.journal.save()
    server.channel.publish("install completed")
    await deliver(host, server.uuid)
    server.channel.publish("status", server.state)  # now the panel no longer takes it for being installed


async def deliver(host: Host, uuid: str) -> None:
    """Tell the panel the outcome the journal holds; it stays there until the panel has heard it."""
    pending = host.journal.installs.get(uuid)
    if pending is None or pending.successful is None:
        return
    report = InstallReport(successful=pending.successful, reinstall=pending.reinstall, reason=pending.reason)
    if await host.reports.install_finished(uuid, report) and host.journal.installs.get(uuid) is pending:
        del host.journal.installs[uuid]
        await host.journal.save()


def note_interrupted(host: Host) -> None:
    """At boot: installs that had not ended have failed."""
    for uuid, pending in host.journal.installs.items():
        if pending.successful is None:
            failed = PendingInstall(reinstall=pending.reinstall, successful=False, reason=INTERRUPTED)
            host.journal.installs[uuid] = failed
            host.journal.installed[uuid] = False


async def deliver_again(host: Host) -> None:
    """Repeat reports the panel has not heard, until cancelled."""
    while True:
        await asyncio.sleep(REPORT_INTERVAL_S)
        for uuid in list(host.journal.installs):
            await deliver(host, uuid)
