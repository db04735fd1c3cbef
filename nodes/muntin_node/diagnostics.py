"""A text report of the node, to be shown to somebody who helps: no secrets, and addresses only when wanted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from muntin_node import system
from muntin_node.config import NodeConfig
from muntin_node.logs import recent_lines
from muntin_node.version import agent_version

HIDDEN = "{hidden}"


def diagnostics_report(
    config: NodeConfig, halves: Iterable[Mapping[str, object]], *, include_endpoints: bool, log_lines: int
) -> str:
    """The report.

    Args:
        include_endpoints: Whether addresses of panel and node are shown.
        log_lines: How many of the last lines of the log follow; 0 for none.
    """
    sections = [
        _section("Versions", _versions()),
        _section("Node", _node(config, include_endpoints=include_endpoints)),
        _section("Halves", {str(half["name"]): _half_line(half) for half in halves}),
        _section("Folders", _folders(config)),
    ]
    if log_lines:
        sections.append("\n".join(["|", "| Latest logs", "| " + "-" * 30, *recent_lines(log_lines)]))
    return "muntin-node diagnostics report\n" + "\n".join(sections) + "\n"


def _section(title: str, rows: Mapping[str, object]) -> str:
    lines = [f"{name + ':':>20} {value}" for name, value in rows.items()]
    return "\n".join(["|", f"| {title}", "| " + "-" * 30, *lines])


def _versions() -> dict[str, object]:
    return {"muntin-node": agent_version(), "kernel": system.kernel_version(), "os": system.os_name()}


def _node(config: NodeConfig, *, include_endpoints: bool) -> dict[str, object]:
    one, five, fifteen = system.load()
    memory = system.memory()
    return {
        "panel": config.remote if include_endpoints else HIDDEN,
        "listens on": f"{config.api.host}:{config.api.port}" if include_endpoints else HIDDEN,
        "TLS": config.api.ssl.enabled,
        "enrolled": config.enrolled,
        "load": f"{one} {five} {fifteen}",
        "memory": f"{memory.used >> 20} of {memory.total >> 20} MiB",
        "uptime": f"{system.uptime_s()} s",
    }


def _folders(config: NodeConfig) -> dict[str, object]:
    data = system.disk(config.system.data)
    return {
        "root": config.system.root_directory,
        "data": config.system.data,
        "disk of data": f"{data.used >> 20} of {data.total >> 20} MiB",
    }


def _half_line(half: Mapping[str, object]) -> str:
    return f"{half['version']} {half.get('error', 'running')}"
