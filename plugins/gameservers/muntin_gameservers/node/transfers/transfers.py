"""All transfers of this node, in both directions."""

from __future__ import annotations

import asyncio
import logging
from uuid import UUID

from muntin_gameservers.contract import TransferRequest
from muntin_gameservers.node.servers.fleet import Fleet
from muntin_gameservers.node.servers.server import Server
from muntin_gameservers.node.transfers.errors import AlreadyTransferring, NotTransferring, TransferFailed
from muntin_gameservers.node.transfers.form import TransferForm
from muntin_gameservers.node.transfers.incoming import RESTARTED, Arrival, NotDecided, NotWanted
from muntin_gameservers.node.transfers.outgoing import Departure
from muntin_gameservers.node.transfers.settling import RETRY_S, Verdict
from muntin_node.errors import NodeError, Unavailable

log = logging.getLogger(__name__)


class Transfers:
    """One departure and one arrival per server at most, never both."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._host = fleet.host
        self._departures: dict[str, Departure] = {}
        self._arrivals: dict[str, Arrival] = {}
        fleet.before_deletion = self._forget

    # --- from here to another node

    async def depart(self, server: Server, request: TransferRequest) -> None:
        """Stop a server and begin to send it; when this returns it is offline and on its way.

        Raises:
            AlreadyTransferring: It is, or it just came here.
            TransferFailed: It could not be stopped; it is unlocked again.
        """
        if server.is_transferring:
            raise AlreadyTransferring
        departure = self._departures[server.uuid] = Departure(server)
        stopped = asyncio.Event()
        work = self._send(departure, request, stopped)
        departure.task = self._host.spawn(work, f"transfer of {server.uuid}")
        stopping = asyncio.ensure_future(stopped.wait())
        try:
            await asyncio.wait([departure.task, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        if not stopped.is_set():
            await departure.task

    async def _send(self, departure: Departure, request: TransferRequest, stopped: asyncio.Event) -> None:
        uuid = departure.server.uuid
        try:
            self._host.journal.departures.add(uuid)
            await self._host.journal.save()
            await departure.stop_server()
        except BaseException:
            await self._unlock(departure)  # the panel is answered that it failed, so it is not told again
            raise
        stopped.set()
        try:
            await departure.send_stoppable(request)
        except asyncio.CancelledError:
            raise  # the agent ends, its next start asks the panel; or the server is deleted
        except BaseException as error:
            departure.failure = str(error)
            departure.tell(f"The transfer failed: {error}")
            await self._settle(departure)
            raise
        departure.show("success")

    async def _settle(self, departure: Departure) -> None:
        if await departure.verdict() is Verdict.OURS:
            await self._unlock(departure)
            departure.show("failure")
        else:
            departure.tell("The panel counts the server as moved; it is kept until the panel deletes it here.")
            departure.show("success")

    async def _unlock(self, departure: Departure) -> None:
        uuid = departure.server.uuid
        self._host.journal.departures.discard(uuid)
        departure.server.is_transferring = False
        self._departures.pop(uuid, None)
        try:
            await self._host.journal.save()
        except OSError as error:  # the next start of the agent asks the panel again, no more than that
            log.warning("The journal cannot be written: %s", error)

    async def cancel_departure(self, uuid: str) -> None:
        """Give up sending a server; the panel has decided, and is asked whose the server is.

        Raises:
            NotTransferring: It is not being sent.
        """
        departure = self._departures.get(uuid)
        if departure is None:
            raise NotTransferring
        departure.show("cancelling")
        if not departure.cancel():
            departure.task = self._host.spawn(self._settle(departure), f"end of the transfer of {uuid}")

    # --- from another node to here

    def arrive(self, uuid: str, form: TransferForm, size_bytes: int | None) -> Arrival:
        """Begin to receive a server; `task` of the answer ends when it is here or is not.

        Raises:
            AlreadyTransferring: There is a server with this uuid, or one is being received.
            Unavailable: One is being removed, or the panel has not said yet which servers there are.
        """
        if not _is_uuid(uuid):
            raise TransferFailed("The token is for no server.")
        if not self._fleet.is_loaded:
            raise Unavailable("The node has not heard from the panel yet which servers it has.")
        if self._fleet.knows(uuid) or uuid in self._arrivals:
            raise AlreadyTransferring("There is a server with this uuid on the node already.")
        self._fleet.require_vacant(uuid)
        arrival = self._arrivals[uuid] = Arrival(self._fleet, uuid)
        arrival.task = self._host.spawn(self._receive(arrival, form, size_bytes), f"arrival of {uuid}")
        return arrival

    async def _receive(self, arrival: Arrival, form: TransferForm, size_bytes: int | None) -> None:
        try:
            await arrival.receive(form, size_bytes)
        except NotDecided:
            self._host.spawn(self._settle_arrival(arrival), f"end of the arrival of {arrival.uuid}")
            raise
        finally:
            self._arrivals.pop(arrival.uuid, None)

    async def _settle_arrival(self, arrival: Arrival) -> None:
        while self._host.journal.arrivals.get(arrival.uuid) in ("received", "cancelled"):
            try:
                await arrival.settle()
            except NotWanted:
                return
            except (NodeError, OSError) as error:
                log.warning("Whose %s is remains open: %s", arrival.uuid, error)
                await asyncio.sleep(RETRY_S)

    async def cancel_arrival(self, uuid: str) -> None:
        """Give up receiving a server. One that is all here is not reported again, only looked for in the panel's list.

        Raises:
            NotTransferring: It is not being received.
        """
        arrival, journal = self._arrivals.get(uuid), self._host.journal
        if arrival is None and uuid not in journal.arrivals:
            raise NotTransferring
        if journal.arrivals.get(uuid) == "received":
            journal.arrivals[uuid] = "cancelled"
            await journal.save()
        elif arrival is not None:
            arrival.stop("The transfer was cancelled.")

    # --- what was cut off

    async def recover_arrivals(self) -> None:
        """At boot, before the panel hears of the boot: what is whole is reported, what is not is removed."""
        for uuid, stage in list(self._host.journal.arrivals.items()):
            arrival = Arrival(self._fleet, uuid)
            try:
                if self._fleet.knows(uuid):
                    await arrival.keep()
                elif stage != "receiving":
                    await arrival.settle()
                else:
                    self._host.spawn(arrival.undo(RESTARTED), f"removal of what was received of {uuid}")
            except (NodeError, OSError) as error:
                log.warning("The transfer of %s was cut off: %s", uuid, error)
                self._host.spawn(self._settle_arrival(arrival), f"end of the arrival of {uuid}")

    def lock_departures(self) -> None:
        """At boot, before anything is done with servers: those that were being sent stay as they are."""
        for uuid in self._host.journal.departures - self._host.journal.deletions:
            if self._fleet.knows(uuid):
                self._departures[uuid] = Departure(self._fleet.get(uuid))

    def recover_departures(self) -> None:
        """At boot, when the panel has heard of it: ask whose the servers are that were being sent."""
        for uuid, departure in list(self._departures.items()):
            if departure.task is None:
                departure.task = self._host.spawn(self._settle(departure), f"end of the transfer of {uuid}")

    async def _forget(self, uuid: str) -> None:
        """Before a server is deleted: end its transfer, whatever became of it."""
        arrival, departure = self._arrivals.pop(uuid, None), self._departures.pop(uuid, None)
        if arrival is not None:
            await arrival.abandon()
        if departure is not None:
            departure.show("completed")
            await departure.abandon()
        self._host.journal.arrivals.pop(uuid, None)
        self._host.journal.departures.discard(uuid)


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
