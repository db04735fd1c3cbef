"""What nodes were promised to servers: those on them, and those on their way to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from muntin.contributions import Promised
from muntin.database import fetch_all, read_uuid

_HELD = "SELECT node_id, memory_mib, disk_mib, cpu_percent FROM gameservers_server WHERE node_id IN ({nodes})"
_COMING = (
    "SELECT t.target_node_id, s.memory_mib, s.disk_mib, s.cpu_percent FROM gameservers_transfer t "
    "JOIN gameservers_server s ON s.id = t.server_id "
    "WHERE t.state IN ('pending', 'running') AND t.target_node_id IN ({nodes})"
)
_SUMS = (
    "SELECT node_id, SUM(memory_mib) AS memory, SUM(disk_mib) AS disk, SUM(cpu_percent) AS cpu, COUNT(*) AS servers "
    "FROM ({held}{besides} UNION ALL {coming}{besides_s}) taken GROUP BY node_id"
)


async def promised_of(node_ids: Sequence[UUID], *, besides: UUID | None = None) -> Mapping[UUID, Promised]:
    """What each node was promised, in one query; nodes without servers are left out.

    Args:
        besides: A server that is not counted.
    """
    if not node_ids:
        return {}
    nodes = ", ".join("?" for _node in node_ids)
    parts = {"held": _HELD.format(nodes=nodes), "coming": _COMING.format(nodes=nodes)}
    conditions = {"besides": "", "besides_s": ""}
    values = [*node_ids]
    if besides is not None:
        conditions = {"besides": " AND id <> ?", "besides_s": " AND s.id <> ?"}
        values.append(besides)
    rows = await fetch_all(_SUMS.format(**parts, **conditions), [*values, *values])
    return {
        read_uuid(row["node_id"]): Promised(
            memory_mib=int(row["memory"]),
            disk_mib=int(row["disk"]),
            cpu_percent=int(row["cpu"]),
            workloads=int(row["servers"]),
        )
        for row in rows
    }
