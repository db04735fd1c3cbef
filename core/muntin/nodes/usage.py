"""What the workloads of all plugins take of nodes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from muntin.contributions import NodeUsage, Promised
from muntin.plugins.boundaries import told_by
from muntin.runtime import panel


async def promised_of(node_ids: Sequence[UUID]) -> dict[UUID, Promised]:
    """The sum over the enabled plugins, for every id asked for."""
    sums = {node_id: Promised() for node_id in node_ids}
    for owned in panel().registry.owned(NodeUsage):
        told = await told_by(owned.plugin, "usage of nodes", partial(owned.value.promised, node_ids), Promised)
        for node_id, more in told.items():
            if node_id not in sums:
                continue
            so_far = sums[node_id]
            sums[node_id] = Promised(
                memory_mib=so_far.memory_mib + more.memory_mib,
                disk_mib=so_far.disk_mib + more.disk_mib,
                cpu_percent=so_far.cpu_percent + more.cpu_percent,
                workloads=so_far.workloads + more.workloads,
            )
    return sums
