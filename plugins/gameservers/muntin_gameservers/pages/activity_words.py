"""What is done with servers, in words for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from muntin.audit import Activity
from muntin.translation import _

_WORDS: Mapping[str, str] = {
    "server.allocation_added": _("Added the port {ip}:{port}"),
    "server.allocation_removed": _("Removed the port {ip}:{port}"),
    "server.allocation_updated": _("Changed the port {ip}:{port}"),
    "server.command": _("Sent the command {command}"),
    "server.crashed": _("The server crashed"),
    "server.created": _("Created the server"),
    "server.power.kill": _("Killed the server"),
    "server.power.restart": _("Restarted the server"),
    "server.power.start": _("Started the server"),
    "server.power.stop": _("Stopped the server"),
    "server.reinstall": _("Had the server installed again"),
    "server.renamed": _("Changed name or description"),
    "server.startup_updated": _("Changed the startup: {changed}"),
    "server.suspended": _("Suspended the server"),
    "server.unsuspended": _("Lifted the suspension"),
    "server.updated": _("Changed the server's limits or settings"),
}


class _Known(dict[str, Any]):
    """Properties of which a missing one is left blank: rows are older than words."""

    def __missing__(self, name: str) -> str:
        return "…"


def sentence(one: Activity) -> str:
    """One entry as a sentence; an event nobody gave words for is named as it is."""
    words = _WORDS.get(one.event)
    if words is None:
        return one.event
    shown = {name: _text(value) for name, value in one.properties.items()}
    return words.format_map(_Known(shown))


def _text(value: Any) -> str:
    """A value in a sentence: short, variables without their prefix."""
    if isinstance(value, list | tuple):
        return ", ".join(str(part).removeprefix("environment.") for part in value)
    return str(value)[:200]
