"""What the workloads of all plugins take of nodes."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from muntin.contributions import NodeUsage, Promised
from muntin.runtime import panel


async def promised_of(node_ids: Sequence[UUID]) -> dict[UUID, Promised]:
    """The sum over the enabled plugins, for every id asked for."""
    sums = {node_id: Promised() for node_id in node_ids}
    for usage in panel().registry.of(NodeUsage):
        for node_id, more in (await usage.promised(node_ids)).items():
            so_far = sums[node_id]
            sums[node_id] = Promised(
                memory_mib=so_far.memory_mib + more.memory_mib,
                disk_mib=so_far.disk_mib + more.disk_mib,
                cpu_percent=so_far.cpu_percent + more.cpu_percent,
                workloads=so_far.workloads + more.workloads,
            )
    return sums
