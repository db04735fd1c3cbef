"""What people did over sockets, told to the panel in batches."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from datetime import UTC, datetime
from typing import Any

from muntin_gameservers.node.servers.host import Host
from muntin_node.errors import PanelError

log = logging.getLogger(__name__)
KEPT_ROWS = 10_000


class Activity:
    """Rows are kept until the panel took them; of more than 10,000 the oldest are lost."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._rows: deque[dict[str, Any]] = deque(maxlen=KEPT_ROWS)

    def note(self, event: str, *, server: str, user: str, address: str, **metadata: str) -> None:
        """Add a row, e.g. `server:power.start`."""
        self._rows.append(
            {
                "user": user or None,
                "server": server,
                "event": event,
                "metadata": metadata,
                "ip": address,
                "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            }
        )

    async def run(self) -> None:
        """Send batches at the configured interval until cancelled."""
        while True:
            await asyncio.sleep(self._host.config.system.activity_send_interval)
            await self.send()

    async def send(self) -> None:
        """Send what there is."""
        while self._rows:
            batch = [self._rows[number] for number in range(min(len(self._rows), self._batch_size))]
            try:
                await self._host.reports.activity(batch)
            except PanelError as error:
                log.warning("%d rows of activity are kept for later: %s", len(self._rows), error)
                return
            for row in batch:
                if self._rows and self._rows[0] is row:
                    self._rows.popleft()

    @property
    def _batch_size(self) -> int:
        return self._host.config.system.activity_send_count
