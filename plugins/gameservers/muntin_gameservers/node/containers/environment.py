"""The environment variables of a container."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from muntin_gameservers.contract import ServerSettings

PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
LOOPBACK = "127.0.0.1"


def container_environment(settings: ServerSettings, *, timezone: str, interface: str) -> dict[str, str]:
    """Name -> value, in the order the container gets them; the first one wins.

    Args:
        timezone: The node's; a valid `SERVER_TIMEZONE` of the server overrides it.
        interface: The host address that stands for 127.0.0.1.
    """
    variables = {name.upper(): value for name, value in settings.environment.items()}
    default = settings.allocations.default
    fixed = {
        "TZ": _timezone(variables.get("SERVER_TIMEZONE", ""), timezone),
        "STARTUP": settings.invocation,
        "SERVER_MEMORY": str(settings.build.memory_limit),
        "SERVER_IP": interface if default.ip == LOOPBACK and default.port else default.ip,
        "SERVER_PORT": str(default.port),
    }
    everything = fixed | {name: value for name, value in variables.items() if name not in fixed}
    everything["STARTUP"] = substituted(settings.invocation, everything)
    return everything


def substituted(invocation: str, variables: dict[str, str]) -> str:
    """The startup command with `{{NAME}}` replaced; unknown names stay as they are."""
    return PLACEHOLDER.sub(lambda found: variables.get(found[1].upper(), found[0]), invocation)


def _timezone(wanted: str, otherwise: str) -> str:
    try:
        return ZoneInfo(wanted).key if wanted else otherwise or "UTC"
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return otherwise or "UTC"
