"""A server as its node gets it: settings and process configuration of the Wings protocol."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from muntin_gameservers.contract import ServerConfiguration
from muntin_gameservers.eggs.definition import EggDefinition
from muntin_gameservers.eggs.templating import process_configuration
from muntin_gameservers.models import AllocationRow, ServerRow, TransferRow
from muntin_gameservers.nests.stored import definition_of


async def configuration_of(server: ServerRow, *, coming: TransferRow | None = None) -> ServerConfiguration:
    """What the node runs the server by; the row's egg has to be fetched.

    Args:
        coming: For the node to which this move brings the server: with the addresses that it will have there.
    """
    egg = definition_of(server.egg)
    node_id, primary_id = (
        (coming.target_node_id, coming.allocation_id) if coming else (server.node_id, server.allocation_id)
    )
    own = await AllocationRow.filter(server_id=server.id, node_id=node_id).order_by("port")
    settings = _settings(server, egg, _allocations(primary_id, own))
    return ServerConfiguration.model_validate(
        {"settings": settings, "process_configuration": process_configuration(egg, settings)}
    )


def _settings(server: ServerRow, egg: EggDefinition, allocations: dict[str, Any]) -> dict[str, Any]:
    environment = {
        **server.environment,
        "STARTUP": server.startup,
        "P_SERVER_UUID": str(server.id),
        "P_SERVER_ALLOCATION_LIMIT": str(server.allocations_limit),
    }
    return {
        "uuid": str(server.id),
        "meta": {"name": server.name, "description": server.description or ""},
        "suspended": server.is_suspended,
        "environment": environment,
        "invocation": server.startup,
        "skip_egg_scripts": server.skip_install,
        "build": {
            "memory_limit": server.memory_mib,
            "swap": server.swap_mib,
            "io_weight": server.io_weight,
            "cpu_limit": server.cpu_percent,
            "threads": None,
            "disk_space": server.disk_mib,
            "oom_killer": True,
        },
        "container": {"image": server.image, "requires_rebuild": False},
        "allocations": allocations,
        "mounts": [],
        "egg": {"id": str(server.egg_id), "file_denylist": list(egg.file_denylist)},
    }


def _allocations(primary_id: UUID | None, allocations: list[AllocationRow]) -> dict[str, Any]:
    primary = next((one for one in allocations if one.id == primary_id), None)
    mappings: dict[str, list[int]] = {}
    for one in allocations:
        mappings.setdefault(one.ip, []).append(one.port)
    default = {"ip": primary.ip, "port": primary.port} if primary else {"ip": "127.0.0.1", "port": 0}
    return {"force_outgoing_ip": False, "default": default, "mappings": mappings}
