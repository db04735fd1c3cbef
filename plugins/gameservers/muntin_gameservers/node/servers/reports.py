"""What this half asks and tells the panel."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from muntin_gameservers.contract import InstallReport, InstallScript, ServerConfiguration, StateChange, TransferReport
from muntin_node.errors import PanelError, PanelRefused
from muntin_node.panel import PanelClient

log = logging.getLogger(__name__)
RETRY_S = 10.0
UNSENT_CHANGES = 20


class PanelAnswerUnreadable(PanelError):
    """The panel's answer does not have the form of the protocol."""


class Reports:
    """Calls under `/api/remote`; state changes arrive in order, also those from while the panel was away."""

    def __init__(self, panel: PanelClient) -> None:
        self._panel = panel
        self._changes: dict[str, deque[StateChange]] = {}
        self._changed = asyncio.Event()

    async def configuration(self, uuid: str) -> ServerConfiguration:
        """One server as the panel wants it.

        Raises:
            PanelError: The panel did not answer, does not know the server, or answered something else.
        """
        answer = await self._panel.get(f"/servers/{uuid}")
        try:
            return ServerConfiguration.model_validate(answer)
        except ValidationError as error:
            raise PanelAnswerUnreadable(f"The panel's configuration does not hold: {_where(error)}") from None

    async def configurations(self, per_page: int) -> list[ServerConfiguration]:
        """All servers of this node; one that cannot be read is logged and left out."""
        return list(_readable(await self._listed(per_page)))

    async def _listed(self, per_page: int) -> list[Any]:
        first = await self._page(0, per_page)
        last_page = int((first.get("meta") or {}).get("last_page") or 1)
        others = await asyncio.gather(*(self._page(number, per_page) for number in range(2, last_page + 1)))
        return [entry for page in (first, *others) for entry in page.get("data") or []]

    async def _page(self, number: int, per_page: int) -> dict[str, Any]:
        answer = await self._panel.get("/servers", params={"page": str(number), "per_page": str(per_page)})
        if not isinstance(answer, dict) or not isinstance(answer.get("data") or [], list):
            raise PanelAnswerUnreadable
        return answer

    async def reset(self) -> None:
        """Tell the panel that nothing is being installed or restored here."""
        await self._panel.post("/servers/reset", json=None)

    async def install_script(self, uuid: str) -> InstallScript:
        """What installs the server."""
        try:
            return InstallScript.model_validate(await self._panel.get(f"/servers/{uuid}/install"))
        except ValidationError as error:
            raise PanelAnswerUnreadable(f"The panel's install script does not hold: {_where(error)}") from None

    async def install_finished(self, uuid: str, report: InstallReport) -> bool:
        """Tell how an install ended; False when the panel could not be told, so that it is told later."""
        try:
            await self._panel.post(f"/servers/{uuid}/install", json=report.model_dump())
        except PanelRefused as error:
            log.warning("The panel refused the install report of %s: %s", uuid, error)
            return True  # it will not take it later either
        except PanelError as error:
            log.warning("The install report of %s is kept for later: %s", uuid, error)
            return False
        return True

    async def transfer_succeeded(self, uuid: str) -> None:
        """Tell that a server has come here from another node and is complete.

        Raises:
            PanelRefused: The panel does not take it, or not any more.
            PanelUnreachable: Whether it did is not known.
        """
        await self._panel.post(f"/servers/{uuid}/transfer/success", json=None)

    async def transfer_failed(self, uuid: str, report: TransferReport) -> None:
        """Tell that a server could not be sent or received; raises as `transfer_succeeded`."""
        await self._panel.post(f"/servers/{uuid}/transfer/failure", json=report.model_dump())

    async def is_listed(self, uuid: str, per_page: int) -> bool:
        """Whether the panel counts a server among those of this node."""
        return any(isinstance(row, dict) and row.get("uuid") == uuid for row in await self._listed(per_page))

    async def activity(self, rows: list[dict[str, Any]]) -> None:
        """Tell what people did over sockets."""
        await self._panel.post("/activity", json={"data": rows})

    def state_changed(self, uuid: str, change: StateChange) -> None:
        """Queue a change; of more than 20 unsent ones of a server the oldest are lost."""
        self._changes.setdefault(uuid, deque(maxlen=UNSENT_CHANGES)).append(change)
        self._changed.set()

    def forget(self, uuid: str) -> None:
        """Say nothing more of a server that is deleted."""
        self._changes.pop(uuid, None)

    async def send_state_changes(self) -> None:
        """Send queued changes until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            while self._changes:
                for uuid in list(self._changes):
                    await self._send_next(uuid)

    async def _send_next(self, uuid: str) -> None:
        changes = self._changes.get(uuid)
        if not changes:
            self._changes.pop(uuid, None)
            return
        change = changes[0]
        try:
            await self._panel.post(f"/servers/{uuid}/container/status", json={"data": change.model_dump(mode="json")})
        except PanelRefused as error:
            log.debug("The panel does not take states of %s: %s", uuid, error)  # Pterodactyl's has no such route
        except PanelError:
            await asyncio.sleep(RETRY_S)
            return
        if changes and changes[0] is change:
            changes.popleft()


def _readable(entries: Iterable[Any]) -> Iterable[ServerConfiguration]:
    for entry in entries:
        try:
            yield ServerConfiguration.model_validate(entry)
        except ValidationError as error:
            uuid = entry.get("uuid") if isinstance(entry, dict) else None
            log.error("The configuration of server %s cannot be read and is left out: %s", uuid, _where(error))


def _where(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:5])
