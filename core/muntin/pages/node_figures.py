"""Figures of nodes over the last minutes, kept in this process while somebody looks at them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from muntin.access import Actor
from muntin.errors import NotFound
from muntin.nodes.schemas import NodeStats
from muntin.nodes.service import load_stats
from muntin.translation import _

KEPT = 360
FRESH_S = 2.0
MAX_NODES = 200
_samples: dict[UUID, deque[Sample]] = {}


@dataclass(frozen=True, slots=True)
class Sample:
    """What a node said at one moment, in seconds since 1970."""

    at_s: float
    stats: NodeStats


async def sampled(actor: Actor, node_id: UUID) -> Sequence[Sample]:
    """The node's figures, oldest first, the last of them at most two seconds old.

    Raises:
        NodeUnreachable: It did not answer.
    """
    known = _samples.get(node_id)
    if known and actor.may("admin.nodes.list") and time.time() - known[-1].at_s < FRESH_S:
        return known
    stats = await load_stats(actor, node_id)
    if node_id not in _samples and len(_samples) >= MAX_NODES:
        _samples.pop(next(iter(_samples)))
    kept = _samples.setdefault(node_id, deque(maxlen=KEPT))
    kept.append(Sample(time.time(), stats))
    return kept


def shown_series(samples: Sequence[Sample], of: str) -> dict[str, Any]:
    """One chart: `cpu` in percent, `memory`, `disk` in bytes with their limit, `network` in bytes since boot.

    Raises:
        NotFound: There is no such chart.
    """
    stats = [one.stats for one in samples]
    chart: dict[str, Any]
    match of:
        case "cpu":
            chart = {"series": [_series(_("CPU"), [one.cpu for one in stats])], "limit": 100}
        case "memory":
            chart = {"series": [_series(_("Memory"), [one.memory.used for one in stats])]}
            chart["limit"] = stats[-1].memory.total
        case "disk":
            chart = {"series": [_series(_("Disk"), [one.disk.used for one in stats])], "limit": stats[-1].disk.total}
        case _:
            raise NotFound
    return {"time": [int(one.at_s) for one in samples], **chart}


def _series(label: str, values: Sequence[float]) -> dict[str, Any]:
    return {"label": label, "values": list(values)}
