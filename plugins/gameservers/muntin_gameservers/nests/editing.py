"""Changing an egg without losing what its file held beyond the fields that people edit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson

from muntin_gameservers.eggs.definition import EggDefinition, VariableDefinition
from muntin_gameservers.eggs.json_values import Json
from muntin_gameservers.eggs.reading import DEFAULT_COMMAND
from muntin_gameservers.eggs.rules import join_rules
from muntin_gameservers.nests.schemas import EggChanges, EggIn, VariableIn
from muntin_gameservers.nests.shown import startup_done, variable_id


def edited(egg: EggDefinition, changes: EggChanges | EggIn, egg_id: UUID) -> EggDefinition:
    """The egg with the changes made. A field that is given as it was shown stays exactly as it is stored."""
    before = _shown(egg)
    for name in changes.model_fields_set if isinstance(changes, EggChanges) else EggIn.model_fields:
        value = getattr(changes, name)
        if name == "variables" and value is not None:
            egg = replace(egg, variables=_variables(egg, value, egg_id))
        elif (value is not None or name == "description") and not _same(value, before.get(name)):
            egg = _EDITS[name](egg, value)
    return egg


def _shown(egg: EggDefinition) -> dict[str, Any]:
    script = egg.installation
    return {
        "name": egg.name,
        "description": egg.description,
        "author": egg.author or "",
        "docker_images": dict(egg.docker_images),
        "startup": egg.startup,
        "stop_command": egg.config.stop,
        "startup_done": list(startup_done(egg)),
        "config_files": dict(egg.config.files),
        "log_config": dict(egg.config.logs),
        "install_script": {"script": script.script, "container": script.container, "entrypoint": script.entrypoint},
        "features": list(egg.features),
        "file_denylist": list(egg.file_denylist),
    }


def _same(one: Any, other: Any) -> bool:
    """Equal in order, too: the first image is the default."""
    plain = one.model_dump() if hasattr(one, "model_dump") else one
    return orjson.dumps(plain) == orjson.dumps(other)


def _plain(name: str) -> Callable[[EggDefinition, Any], EggDefinition]:
    return lambda egg, value: replace(egg, **{name: value})


def _listed(name: str) -> Callable[[EggDefinition, Any], EggDefinition]:
    return lambda egg, value: _plain(name)(egg, tuple(value))


def _configured(name: str) -> Callable[[EggDefinition, Any], EggDefinition]:
    return lambda egg, value: replace(egg, config=replace(egg.config, **{name: value}))


def _startup(egg: EggDefinition, command: str) -> EggDefinition:
    """The default command; further ones stay."""
    label = next(iter(egg.startup_commands), DEFAULT_COMMAND)
    return replace(egg, startup_commands={**egg.startup_commands, label: command})


def _startup_done(egg: EggDefinition, lines: list[str]) -> EggDefinition:
    """One line is written as a text, as most eggs have it."""
    done: Json = lines[0] if len(lines) == 1 else list[Json](lines)
    return replace(egg, config=replace(egg.config, startup={**egg.config.startup, "done": done}))


def _script(egg: EggDefinition, script: Any) -> EggDefinition:
    given: dict[str, Any] = script.model_dump(include=script.model_fields_set)
    return replace(egg, installation=replace(egg.installation, **given))


_EDITS: Mapping[str, Callable[[EggDefinition, Any], EggDefinition]] = {
    "name": _plain("name"),
    "description": _plain("description"),
    "author": _plain("author"),
    "docker_images": _plain("docker_images"),
    "startup": _startup,
    "stop_command": _configured("stop"),
    "startup_done": _startup_done,
    "config_files": _configured("files"),
    "log_config": _configured("logs"),
    "install_script": _script,
    "features": _listed("features"),
    "file_denylist": _listed("file_denylist"),
}


def _variables(egg: EggDefinition, wanted: list[VariableIn], egg_id: UUID) -> tuple[VariableDefinition, ...]:
    """The wanted variables; those the egg had, by id or by name, keep what people do not edit."""
    by_id = {variable_id(egg_id, one.env_variable): (place, one) for place, one in enumerate(egg.variables, start=1)}
    return tuple(_variable(one, by_id, egg_id) for one in wanted)


def _variable(
    wanted: VariableIn, by_id: Mapping[UUID, tuple[int, VariableDefinition]], egg_id: UUID
) -> VariableDefinition:
    by_name = variable_id(egg_id, wanted.env_variable)
    key = wanted.id if wanted.id is not None and wanted.id in by_id else by_name
    values: dict[str, Any] = wanted.model_dump(exclude={"id", "rules"}) | {"rules": wanted.rule_list}
    if key not in by_id:
        return VariableDefinition(**values)
    place, before = by_id[key]
    if values["sort"] is None or (before.sort is None and values["sort"] == place):
        values["sort"] = before.sort
    if wanted.rules == join_rules(before.rules):
        values["rules"] = before.rules
    if not wanted.description and before.description is None:
        values["description"] = None
    return replace(before, **values)
