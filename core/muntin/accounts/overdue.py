"""Ending what stays open past its credential: a key that expires or a session that runs out tells nobody."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from tortoise.exceptions import BaseORMException

from muntin.accounts.lookup import is_unchanged
from muntin.connections import REVOKED

if TYPE_CHECKING:
    from muntin.panel import Panel

log = logging.getLogger("muntin.accounts")
LOOK_EVERY_S = 30.0


async def watch_overdue(panel: Panel) -> None:
    """Look every half minute, for ever; runs in one task of each web process."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        try:
            await end_overdue(panel)
        except (OSError, BaseORMException):
            log.warning("Could not look for overdue connections; trying again", exc_info=True)


async def end_overdue(panel: Panel) -> int:
    """End sockets and streams whose key or session is over; answers how many."""
    actors = {one.call.actor for one in panel.connections.open if one.call is not None}
    over = {actor for actor in actors if not await is_unchanged(actor)}
    return panel.connections.end(lambda call: call.actor in over, REVOKED, "credential_over") if over else 0
