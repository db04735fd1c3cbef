"""Having nodes delete what halves of purged plugins kept there: wanted until each node has said that it did."""

from __future__ import annotations

import asyncio
import logging

from tortoise.exceptions import BaseORMException

from muntin.errors import MuntinError
from muntin.nodes.client import NodeSaidNo, call_node
from muntin.plugins.models import HalfRemovalRow

log = logging.getLogger("muntin.plugins")
LOOK_EVERY_S = 5.0
DEADLINE_S = 90.0
NOT_FOUND = 404


async def keep_removing() -> None:
    """Ask the nodes every few seconds, for ever; runs in one task of the worker."""
    while True:
        try:
            await remove_halves()
        except (OSError, BaseORMException):
            log.warning("Could not look for halves to be removed; trying again", exc_info=True)
        await asyncio.sleep(LOOK_EVERY_S)


async def remove_halves() -> int:
    """Ask every node that still owes it; how many did it now."""
    rows = await HalfRemovalRow.all().select_related("node")
    return sum(await asyncio.gather(*(_remove(row) for row in rows)))


async def _remove(row: HalfRemovalRow) -> bool:
    try:
        await call_node(row.node, "DELETE", f"/api/halves/{row.half}", timeout_s=DEADLINE_S)
    except NodeSaidNo as refusal:
        if refusal.node_status != NOT_FOUND:  # 404: no agent of ours, so there never was a half
            log.warning("Node %s keeps what %s left: %s", row.node.name, row.half, refusal.message)
            return False
    except MuntinError:
        return False  # it is away; asked again when it is back
    await HalfRemovalRow.filter(id=row.id).delete()
    return True
