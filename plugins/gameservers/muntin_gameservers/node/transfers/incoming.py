"""A server that comes from another node: received, written, checked, and kept only if the panel says so."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from muntin_gameservers.contract import ServerConfiguration, TransferReport
from muntin_gameservers.node.containers.limits import MIB
from muntin_gameservers.node.servers.disk import owned_volume, prepared_volume, removed
from muntin_gameservers.node.servers.fleet import Fleet
from muntin_gameservers.node.transfers.errors import AlreadyTransferring, TransferFailed
from muntin_gameservers.node.transfers.extraction import Bounds, extract
from muntin_gameservers.node.transfers.form import TransferForm
from muntin_gameservers.node.transfers.reading import ArchiveStream
from muntin_gameservers.node.transfers.settling import Verdict, arrival_verdict, listed_verdict
from muntin_node.errors import PanelError
from muntin_node.file_trees import DIRECTORY, closing
from muntin_node.openat2 import sync_file_system
from muntin_node.threads import in_file_thread

log = logging.getLogger(__name__)
RESERVE_BYTES = 256 * MIB  # of the host's disk, so that the node itself goes on
LOOK_S = 1.0
LONGEST_SILENCE_S = 300
RESTARTED = "The agent of the node that the server was moved to was restarted meanwhile."


class NotDecided(TransferFailed):
    """The files are here, but the panel did not say whether the server belongs here now; it is asked again."""


class NotWanted(TransferFailed):
    """The panel does not want the server on this node any more."""


class Arrival:
    """One attempt to receive a server.

    Attributes:
        has_all: The request has been read to its end, so that it does not matter any more whether its sender waits.
        task: What runs beside the request.
    """

    def __init__(self, fleet: Fleet, uuid: str) -> None:
        self._fleet = fleet
        self._host = fleet.host
        self.uuid = uuid
        self.has_all = False
        self.task: asyncio.Task[None] | None = None
        self._stopped_because = ""
        self._is_abandoned = False
        self._writing: asyncio.Future[str] | None = None

    async def receive(self, form: TransferForm, size_bytes: int | None) -> None:
        """All of it. What was written is gone and the panel knows when this raises, except when it is undecided.

        Args:
            size_bytes: What the sender says all files take, if it does.

        Raises:
            NodeError: Why the server is not here.
        """
        try:
            await self._take_stoppable(form, size_bytes)
        except Exception as error:
            log.warning("%s could not be received: %s", self.uuid, error)
            await self.undo(str(error))
            raise
        await self.settle()

    async def _take_stoppable(self, form: TransferForm, size_bytes: int | None) -> None:
        try:
            await self._take(form, size_bytes)
        except asyncio.CancelledError:
            await self._writer_ended()
            task = asyncio.current_task()
            if not self._stopped_because or task is None:
                raise  # the agent ends, its next start cleans up; or the server is deleted, which does as well
            task.uncancel()
            raise TransferFailed(self._stopped_because) from None
        except OSError as error:
            raise TransferFailed(f"The server cannot be written here: {error.strerror}.") from error

    async def _take(self, form: TransferForm, size_bytes: int | None) -> None:
        configuration = await self._fleet.looked_up(self.uuid)
        if self._fleet.knows(self.uuid):
            raise AlreadyTransferring
        bounds = await in_file_thread(self._bounds, configuration, size_bytes)
        self._host.journal.arrivals[self.uuid] = "receiving"
        await self._host.journal.save()
        await prepared_volume(self._host, self.uuid)
        checksum = await self._written(form, bounds)
        if any(said != checksum for said in await form.checksums()):
            raise TransferFailed("The checksum of the archive is another one.")
        self.has_all = True
        await owned_volume(self._host, self.uuid)
        await in_file_thread(_write_through, self._host.volume(self.uuid))
        await self._know(configuration)

    def _bounds(self, configuration: ServerConfiguration, size_bytes: int | None) -> Bounds:
        """What the archive may take, checked against what its sender says."""
        if self._host.volume(self.uuid).exists():
            raise TransferFailed("The node has a folder of a server with this uuid already; it is not overwritten.")
        if configuration.settings.uuid != self.uuid:
            raise TransferFailed("The panel answered for another server.")
        disk_mib = configuration.settings.build.disk_space
        bounds = Bounds(limit_bytes=max(disk_mib, 0) * MIB if disk_mib else None, reserve_bytes=RESERVE_BYTES)
        facts = os.statvfs(self._host.config.system.data)
        bounds.check(size_bytes or 0, facts.f_bavail * facts.f_frsize - (size_bytes or 0))
        return bounds

    async def _written(self, form: TransferForm, bounds: Bounds) -> str:
        """Write the archive in a thread of its own, which fetches what it needs; gives the checksum."""
        loop = asyncio.get_running_loop()
        folder = self._host.volume(self.uuid)

        def write() -> str:
            stream = ArchiveStream(lambda: self._pull(form, loop))
            extract(stream, folder, bounds)
            return stream.checksum

        thread = ThreadPoolExecutor(1, thread_name_prefix="transfer")
        self._writing = loop.run_in_executor(thread, write)
        thread.shutdown(wait=False)
        return await asyncio.shield(self._writing)

    def _pull(self, form: TransferForm, loop: asyncio.AbstractEventLoop) -> bytes:
        """The next bytes of the request, for the thread that writes; given up when the transfer is."""
        chunk = asyncio.run_coroutine_threadsafe(form.archive_chunk(), loop)
        for _ in range(LONGEST_SILENCE_S):
            try:
                return chunk.result(LOOK_S)
            except TimeoutError:
                if self._is_stopping:
                    chunk.cancel()
            except concurrent.futures.CancelledError:
                raise TransferFailed(self._stopped_because or "The agent ends.") from None
        chunk.cancel()
        raise TransferFailed(f"The other node has sent nothing for {LONGEST_SILENCE_S} s.")

    @property
    def _is_stopping(self) -> bool:
        return bool(self._stopped_because) or self._is_abandoned

    async def _writer_ended(self) -> None:
        """Wait until nothing is written any more."""
        self._is_abandoned = True
        if self._writing is not None:
            await asyncio.wait([self._writing])
            self._writing.exception()  # it was stopped, nobody else asks why

    async def _know(self, configuration: ServerConfiguration) -> None:
        """From here on the server is one of this node, though nothing may be done with it yet."""
        server = self._fleet.add(configuration)
        server.is_transferring = True
        self._host.journal.installed[self.uuid] = True
        self._host.journal.arrivals[self.uuid] = "received"
        await self._host.journal.save()

    async def settle(self) -> None:
        """Ask the panel whose the server is now.

        Raises:
            NotDecided: It did not say.
            NotWanted: It stays on the other node; nothing is left of it here.
        """
        ask = listed_verdict if self._host.journal.arrivals.get(self.uuid) == "cancelled" else arrival_verdict
        verdict = await ask(self._host, self.uuid)
        if self.uuid not in self._host.journal.arrivals:
            raise NotWanted  # it was deleted meanwhile
        if verdict is Verdict.UNKNOWN:
            raise NotDecided
        if verdict is Verdict.NOT_OURS:
            await self.undo(str(NotWanted()))
            raise NotWanted
        await self.keep()

    async def keep(self) -> None:
        """The server is this node's: let everything be done with it."""
        if not self._fleet.knows(self.uuid):
            configuration = await self._fleet.looked_up(self.uuid)
            if self.uuid not in self._host.journal.arrivals:
                raise NotWanted
            self._fleet.add(configuration)
        self._fleet.get(self.uuid).is_transferring = False
        self._host.journal.installed[self.uuid] = True
        del self._host.journal.arrivals[self.uuid]
        await self._host.journal.save()

    async def undo(self, reason: str) -> None:
        """Remove everything that was written and tell the panel; what is left after a crash goes at the next start."""
        journal = self._host.journal
        if self.uuid in journal.arrivals:
            journal.arrivals[self.uuid] = "receiving"  # never again to be taken for a whole server
            await journal.save()
            await self._fleet.forget(self.uuid)
            await removed(self._host, self.uuid)
            journal.arrivals.pop(self.uuid, None)
            await journal.save()
        await self._tell_failed(reason)

    async def _tell_failed(self, reason: str) -> None:
        try:
            await self._host.reports.transfer_failed(self.uuid, TransferReport(reason=reason))
        except PanelError as error:
            log.info("The panel did not take the failed transfer of %s: %s", self.uuid, error)

    def stop(self, reason: str) -> None:
        """Give it up; what was written is removed. When all is here it is the panel's word alone that counts."""
        if self._host.journal.arrivals.get(self.uuid) not in (None, "receiving"):
            return
        self._stopped_because = self._stopped_because or reason
        if self.task is not None:
            self.task.cancel()

    async def abandon(self) -> None:
        """Before the server is deleted: write nothing more. What was written goes with the deletion."""
        self._is_abandoned = True
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait([self.task])


def _write_through(folder: Path) -> None:
    """Have everything on the disk: the other node deletes its copy soon."""
    with closing(os.open(folder, DIRECTORY)) as descriptor:
        sync_file_system(descriptor)
