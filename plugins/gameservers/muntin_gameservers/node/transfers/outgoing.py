"""A server that leaves: stopped, locked, packed and sent, until the panel says whose it is."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

from muntin_gameservers.contract import TransferRequest
from muntin_gameservers.node.docker_engine.errors import EngineError
from muntin_gameservers.node.servers.errors import ServerBusy
from muntin_gameservers.node.servers.server import Server
from muntin_gameservers.node.transfers.archive import Archive
from muntin_gameservers.node.transfers.errors import TransferFailed
from muntin_gameservers.node.transfers.settling import RETRY_S, Verdict, departure_verdict
from muntin_gameservers.node.transfers.tree import measured_bytes
from muntin_gameservers.node.transfers.upload import Upload

log = logging.getLogger(__name__)
STOP_PATIENCE_S = 15.0
PROGRESS_INTERVAL_S = 5.0
MIB = 1_048_576
RESTARTED = "The agent of the node that the server was on was restarted meanwhile."
STATUS, LOGS = "transfer status", "transfer logs"


class Departure:
    """One attempt to send a server. It is locked from here on; only the panel's word unlocks it.

    Attributes:
        failure: Why the server is not sent; whoever finds one under way at its start knows no more than this.
        task: What runs beside requests.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self._is_sending = False
        self._is_cancelled = False
        self.failure = RESTARTED
        self.task: asyncio.Task[None] | None = None
        server.is_transferring = True

    def tell(self, line: str) -> None:
        """A line for those who may see how it goes."""
        self.server.channel.publish(LOGS, line)
        log.info("Transfer of %s: %s", self.server.uuid, line)

    def show(self, status: str) -> None:
        """A status for everybody who looks at the server."""
        self.server.channel.publish(STATUS, status)

    async def stop_server(self) -> None:
        """Have the server offline within 15 s; it is never killed.

        Raises:
            TransferFailed: It is not; what it was asked for stands.
            EngineError: The engine does not answer.
        """
        server = self.server
        server.host.require_engine()
        if server.installation is not None:
            raise TransferFailed("The server is being installed.")
        deadline = asyncio.get_running_loop().time() + STOP_PATIENCE_S
        try:
            async with server.power.held(STOP_PATIENCE_S):
                left_s = max(0.0, deadline - asyncio.get_running_loop().time())
                ended = await server.power.ended_when_asked(patience_s=left_s, reason="stopped for a transfer")
        except ServerBusy as error:
            raise TransferFailed(str(error)) from error
        facts = await server.host.own_container(server.uuid)
        if not ended or (facts is not None and facts.running):
            raise TransferFailed(f"The server did not stop within {STOP_PATIENCE_S:.0f} s.")
        await self._remove_container()

    async def send_stoppable(self, request: TransferRequest) -> None:
        """Pack and upload.

        Raises:
            TransferFailed: Why the other node does not have the server; it was cancelled, perhaps.
        """
        if self._is_cancelled:
            raise TransferFailed("It was cancelled.")
        self._is_sending = True
        try:
            await self._send(request)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self._is_cancelled or task is None:
                raise
            task.uncancel()
            raise TransferFailed("It was cancelled.") from None
        finally:
            self._is_sending = False

    def cancel(self) -> bool:
        """Break off what is under way, so that the panel is asked; False when nothing is."""
        if self.task is None or self.task.done():
            return False
        self._is_cancelled = True
        if self._is_sending:
            self.task.cancel()
        return True

    async def abandon(self) -> None:
        """Before the server is deleted: end whatever is under way."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait([self.task])

    async def _send(self, request: TransferRequest) -> None:
        self.show("processing")
        server = self.server
        archive = Archive(server.host.volume(server.uuid))
        packing = _Packing(archive)
        try:
            total_bytes = await packing.measure(server)
            self.tell(f"Sending {total_bytes / MIB:.1f} MiB to the other node.")
            upload = Upload(packing.next_chunk, lambda: archive.checksum, size_bytes=total_bytes)
            async with self._progress(archive, total_bytes):
                await upload.send(request.url, request.token)
        except OSError as error:
            raise TransferFailed(f"The server's files cannot be read: {error.strerror}.") from error
        finally:
            packing.close()
        self.tell(f"Sent {archive.read_bytes / MIB:.1f} MiB; the other node has the server.")
        if archive.changed:
            self.tell(f"Files became shorter while they were read: {', '.join(map(repr, archive.changed))}.")

    @contextlib.asynccontextmanager
    async def _progress(self, archive: Archive, total_bytes: int) -> AsyncIterator[None]:
        async def tell() -> None:
            while True:
                await asyncio.sleep(PROGRESS_INTERVAL_S)
                share = min(100, round(100 * archive.read_bytes / total_bytes)) if total_bytes else 100
                self.tell(f"{archive.read_bytes / MIB:.1f} MiB of {total_bytes / MIB:.1f} MiB ({share} %)")

        telling = asyncio.create_task(tell())
        try:
            yield
        finally:
            telling.cancel()

    async def _remove_container(self) -> None:
        """Every start makes a new one, and the other node may want its name before the server is deleted here."""
        try:
            await self.server.host.remove_container(self.server.uuid)
        except EngineError as error:
            log.warning("The container of %s is left until the server is deleted: %s", self.server.uuid, error)

    async def verdict(self) -> Verdict:
        """Ask the panel whose the server is until it says so."""
        while True:
            verdict = await departure_verdict(self.server.host, self.server.uuid, self.failure)
            if verdict is not Verdict.UNKNOWN:
                return verdict
            await asyncio.sleep(RETRY_S)


class _Packing:
    """The archive bit by bit, each made in a thread of its own when it is wanted."""

    def __init__(self, archive: Archive) -> None:
        self._chunks = archive.chunks()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="transfer")
        self._is_stopped = False

    async def measure(self, server: Server) -> int:
        """The bytes of all files."""
        loop = asyncio.get_running_loop()
        folder = server.host.volume(server.uuid)
        return await loop.run_in_executor(self._thread, measured_bytes, folder, lambda: self._is_stopped)

    async def next_chunk(self) -> bytes:
        """The next bytes; empty at the end."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, next, self._chunks, b"")

    def close(self) -> None:
        """Have the thread let the folder go when it has done what it does now."""
        self._is_stopped = True
        self._thread.submit(self._chunks.close)
        self._thread.shutdown(wait=False)
