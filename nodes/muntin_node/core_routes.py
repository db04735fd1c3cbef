"""Routes of the agent itself, as the protocol names them: facts, figures, configuration, revocation."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict
from quart import Blueprint, Response, request

from muntin_node import system
from muntin_node.access import state_of
from muntin_node.addresses import host_addresses
from muntin_node.bodies import json_body
from muntin_node.config_store import ConfigStore
from muntin_node.config_update import ConfigUpdate, updated
from muntin_node.diagnostics import diagnostics_report
from muntin_node.errors import NotFound
from muntin_node.figures import utilization
from muntin_node.halves import Halves
from muntin_node.threads import in_file_thread
from muntin_node.tokens import NodeTokens
from muntin_node.version import agent_version

HALF_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}\Z")
NO_DOCKER: Mapping[str, object] = {
    "version": "",
    "cgroups": {"driver": "", "version": ""},
    "containers": {"total": 0, "running": 0, "paused": 0, "stopped": 0},
    "storage": {"driver": "", "filesystem": ""},
    "runc": {"version": ""},
}


@dataclass(frozen=True, slots=True)
class CoreState:
    """What the core's views work with."""

    store: ConfigStore
    halves: Halves
    tokens: NodeTokens


class DeauthorizeIn(BaseModel):
    """Body of `POST /api/deauthorize-user`."""

    model_config = ConfigDict(extra="ignore", strict=True)

    user: str
    servers: list[str]


def core_blueprint() -> Blueprint:
    """A new blueprint with all of the core's routes."""
    blueprint = Blueprint("core", __name__)
    blueprint.add_url_rule("/api/system", view_func=get_system, methods=["GET"])
    blueprint.add_url_rule("/api/system/utilization", view_func=get_utilization, methods=["GET"])
    blueprint.add_url_rule("/api/system/ips", view_func=get_addresses, methods=["GET"])
    blueprint.add_url_rule("/api/update", view_func=update_configuration, methods=["POST"])
    blueprint.add_url_rule("/api/deauthorize-user", view_func=deauthorize_user, methods=["POST"])
    blueprint.add_url_rule("/api/halves/<name>", view_func=purge_half, methods=["DELETE"])
    blueprint.add_url_rule("/api/diagnostics", view_func=get_diagnostics, methods=["GET"])
    return blueprint


async def get_system() -> dict[str, Any]:
    """Facts of the node; short, or detailed with `v=2`."""
    if request.args.get("v") != "2":
        return {
            "architecture": system.architecture(),
            "cpu_count": system.cpu_count(),
            "kernel_version": system.kernel_version(),
            "os": "linux",
            "version": agent_version(),
        }
    machine = {
        "architecture": system.architecture(),
        "cpu_threads": system.cpu_count(),
        "memory_bytes": system.memory().total,
        "kernel_version": system.kernel_version(),
        "os": system.os_name(),
        "os_type": "linux",
    }
    facts = await state_of(CoreState).halves.system()
    return {"version": agent_version(), "docker": NO_DOCKER} | facts | {"system": machine}


async def get_utilization() -> dict[str, Any]:
    """Figures of the machine."""
    return await in_file_thread(utilization, state_of(CoreState).store.current)


async def get_addresses() -> dict[str, list[str]]:
    """Addresses that servers may be bound to."""
    extra = state_of(CoreState).store.current.docker.system_ips
    found = await in_file_thread(host_addresses)
    return {"ip_addresses": [*found, *(item for item in extra if item not in found)]}


async def update_configuration() -> dict[str, bool]:
    """Merge what the panel may set into the configuration; credentials hold at once, listeners after a restart."""
    core = state_of(CoreState)
    if core.store.current.ignore_panel_config_updates:
        return {"applied": False}
    change = await json_body(ConfigUpdate)
    await core.store.change(lambda config: updated(config, change))
    await core.halves.configure(core.store.current)
    return {"applied": True}


async def deauthorize_user() -> Response:
    """Refuse a user's tokens issued up to now, and have the halves close what that user has open."""
    core = state_of(CoreState)
    body = await json_body(DeauthorizeIn)
    core.tokens.deny_user(body.user, tuple(body.servers))
    await core.halves.deauthorize(body.user, tuple(body.servers))
    return Response(status=204)


async def purge_half(name: str) -> Response:
    """Delete everything a plugin's half keeps on this node; twice changes nothing more."""
    if not HALF_NAME.match(name):
        raise NotFound
    core = state_of(CoreState)
    await core.halves.purge(name)
    folder = core.store.current.system.root_directory / "halves" / name
    await in_file_thread(shutil.rmtree, folder, ignore_errors=True)
    return Response(status=204)


async def get_diagnostics() -> Response:
    """A text report for people who help each other; without secrets and, unless asked for, without addresses."""
    core = state_of(CoreState)
    include_endpoints = request.args.get("include_endpoints", "false") in ("true", "1")
    include_logs = request.args.get("include_logs", "true") in ("true", "1")
    wanted = request.args.get("log_lines", "200")
    log_lines = min(int(wanted), 500) if wanted.isascii() and wanted.isdigit() else 200
    text = diagnostics_report(
        core.store.current,
        core.halves.health()[0],
        include_endpoints=include_endpoints,
        log_lines=log_lines if include_logs else 0,
    )
    return Response(text, content_type="text/plain; charset=utf-8")
