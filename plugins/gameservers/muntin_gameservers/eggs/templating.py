"""Fills an egg in for one server: its start command as shown, and its process configuration as a node takes it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from muntin_gameservers.eggs.definition import EggDefinition
from muntin_gameservers.eggs.json_values import Json

_STARTUP_NAME: Final = re.compile(r"\{\{(\w+)\}\}", re.ASCII)
_PLACEHOLDER: Final = re.compile(r"\{\{ ?(server|env|config)\.([\w.-]+) ?\}\}", re.ASCII)
_ENVIRONMENT: Final = ("environment.", "build.env.", "build.environment.")
_OPEN_SETTINGS: Final = frozenset({"uuid", "meta", "suspended", "build", "container", "allocations", "invocation"})
"""The parts of a server's settings that a template may name; what else is added to them later stays unseen."""
_ALIASES: Final = {
    "build.default.ip": "allocations.default.ip",
    "build.default.port": "allocations.default.port",
    "build.memory": "build.memory_limit",
    "build.disk": "build.disk_space",
    "build.io": "build.io_weight",
    "build.cpu": "build.cpu_limit",
    "build.image": "container.image",
    "name": "meta.name",
    "description": "meta.description",
}
_FROM_SETTINGS: Final = {
    "SERVER_IP": "allocations.default.ip",
    "SERVER_PORT": "allocations.default.port",
    "SERVER_MEMORY": "build.memory_limit",
}


def render_startup(text: str, variables: Mapping[str, str]) -> str:
    """A start command as people see it: `{{NAME}}` replaced by the value of that variable.

    Names not among the variables stay as they are, and a value that looks like a placeholder is not replaced again.

    Args:
        variables: Values by upper-case name; SERVER_MEMORY (MiB), SERVER_IP and SERVER_PORT belong to them.
    """
    return _STARTUP_NAME.sub(lambda name: variables.get(name[1], variables.get(name[1].upper(), name[0])), text)


def process_configuration(egg: EggDefinition, server: Mapping[str, Any]) -> dict[str, Json]:
    """The `process_configuration` of a server as the panel sends it to a node.

    Args:
        server: Its `settings` in the same answer: uuid, meta, environment, build, container, allocations.
    """
    configs: list[Json] = list(resolve_config_files(egg, server))
    return {"startup": startup_detection(egg), "stop": stop_entry(egg), "configs": configs}


def startup_detection(egg: EggDefinition) -> dict[str, Json]:
    """How a node sees that a server is ready: any of the `done` texts in a line of its console."""
    done = egg.config.startup.get("done")
    texts = done if isinstance(done, list) else [] if done is None else [done]
    strip_ansi = egg.config.startup.get("strip_ansi")
    return {
        "done": [_scalar_text(each) for each in texts],
        "user_interaction": [],
        "strip_ansi": strip_ansi is True or strip_ansi in (1, "1", "true"),
    }


def stop_entry(egg: EggDefinition) -> dict[str, Json]:
    """How a node stops a server: `^C` is a signal, other text a console command, none the container's own stop."""
    stop = egg.config.stop.strip()
    if stop.startswith("^"):
        return {"type": "signal", "value": stop.lstrip("^").upper()}
    return {"type": "command" if stop else "stop", "value": stop}


def resolve_config_files(egg: EggDefinition, server: Mapping[str, Any]) -> list[dict[str, Json]]:
    """The configuration files a node rewrites before each start, in the form it takes.

    `{{server.*}}` and `{{env.*}}` of both families are filled in here, the unknown ones with nothing; `{{config.*}}`
    is the node's own and stays. A conditional becomes one replacement per `if_value`.

    Args:
        server: As for `process_configuration`.
    """
    found: list[dict[str, Json]] = []
    for path, entry in egg.config.files.items():
        if isinstance(entry, dict):
            found.append(_config_file(path, entry, server))
    return found


def _config_file(path: str, entry: dict[str, Json], server: Mapping[str, Any]) -> dict[str, Json]:
    find = entry.get("find")
    replacements = find.items() if isinstance(find, dict) else ()
    file: dict[str, Json] = {
        "file": path,
        "parser": entry.get("parser") or "file",
        "replace": [each for match, value in replacements for each in _replacements(match, value, server)],
    }
    if isinstance(entry.get("create_file"), bool):
        file["create_file"] = entry["create_file"]
    return file


def _replacements(match: str, value: Json, server: Mapping[str, Any]) -> Iterator[dict[str, Json]]:
    if not isinstance(value, dict):
        yield {"match": match, "replace_with": _filled(value, server)}
        return
    for if_value, replacement in value.items():
        yield {
            "match": match,
            "if_value": _fill(if_value, server),
            "replace_with": _filled(replacement, server),
        }


def _filled(value: Json, server: Mapping[str, Any]) -> Json:
    """A replacement with its placeholders filled in; numbers and truth values keep their type, null is nothing."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _fill(value, server)
    if isinstance(value, list):
        return [_filled(each, server) for each in value]
    if isinstance(value, dict):
        return {key: _filled(each, server) for key, each in value.items()}
    return value


def _fill(text: str, server: Mapping[str, Any]) -> str:
    return _PLACEHOLDER.sub(lambda place: _value(place[1], place[2], place[0], server), text)


def _value(family: str, path: str, as_written: str, server: Mapping[str, Any]) -> str:
    if family == "config":
        # The older name of the one node setting eggs use; nodes know the newer one.
        return "{{config.docker.network.interface}}" if path == "docker.interface" else as_written
    return _variable(path, server) if family == "env" else _setting(path, server)


def _setting(path: str, server: Mapping[str, Any]) -> str:
    for prefix in _ENVIRONMENT:
        if path.startswith(prefix):
            return _variable(path.removeprefix(prefix), server)
    value: Any = server
    parts = _ALIASES.get(path, path).split(".")
    if parts[0] not in _OPEN_SETTINGS:
        return ""
    for part in parts:
        value = value.get(part) if isinstance(value, Mapping) else None
    return _scalar_text(value)


def _variable(name: str, server: Mapping[str, Any]) -> str:
    if name.upper() in _FROM_SETTINGS:
        return _setting(_FROM_SETTINGS[name.upper()], server)
    environment: Mapping[str, Any] = server.get("environment") or {}
    return _scalar_text(environment.get(name, environment.get(name.upper())))


def _scalar_text(value: Any) -> str:
    """A value inside a text: truth values as in JSON, nothing for null and for what has parts."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else ""
