"""Where a server could be moved to, and what speaks against the other nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from tortoise.functions import Count

from muntin.access import Actor, guarded
from muntin.contributions import Promised
from muntin.nodes.models import NodeRow
from muntin.translation import _
from muntin_gameservers.models import AllocationRow, ServerRow
from muntin_gameservers.servers.placement import fits, free_of
from muntin_gameservers.servers.promised import promised_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A node that a server could go to.

    Attributes:
        memory_free_mib, disk_free_mib: `None` where there is no limit; below 0 where more is promised than there is.
        ports: How many are free.
        objection: Why the server cannot go there, for people; empty where it can.
    """

    node_id: UUID
    name: str
    location: str
    status: str
    memory_free_mib: int | None
    disk_free_mib: int | None
    ports: int
    objection: str


@guarded("admin.servers.update", on=ServerRow)
async def places_for(actor: Actor, server: ServerRow) -> list[Place]:
    """The other nodes: first those to which the server could go, by name."""
    nodes = await NodeRow.exclude(id=server.node_id).order_by("name")
    promised = await promised_of([node.id for node in nodes])
    ports = await _free_ports()
    places = [_place(node, server, promised.get(node.id, Promised()), ports.get(node.id, 0)) for node in nodes]
    return sorted(places, key=lambda one: bool(one.objection))


async def _free_ports() -> Mapping[UUID, int]:
    free = AllocationRow.filter(server_id=None).annotate(ports=Count("id")).group_by("node_id")
    return dict(await free.values_list("node_id", "ports"))


def _place(node: NodeRow, server: ServerRow, promised: Promised, ports: int) -> Place:
    memory, disk = free_of(node, promised)
    objections = (
        (node.maintenance_mode, _("It is in maintenance.")),
        (node.status == "offline", _("It does not answer.")),
        (not fits(server.memory_mib, memory), _("It has too little free memory.")),
        (not fits(server.disk_mib, disk), _("It has too little free disk.")),
        (not ports, _("It has no free port.")),
    )
    return Place(
        node_id=node.id,
        name=node.name,
        location=node.location or "",
        status=node.status,
        memory_free_mib=memory,
        disk_free_mib=disk,
        ports=ports,
        objection=next((words for holds, words in objections if holds), ""),
    )
