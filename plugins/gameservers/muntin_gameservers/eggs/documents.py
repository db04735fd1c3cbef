"""The plain document of an egg in each exchange format."""

import json
from collections.abc import Mapping
from typing import Any

from muntin_gameservers.eggs.definition import EggConfig, EggDefinition, EggVersion, VariableDefinition
from muntin_gameservers.eggs.json_values import Json, JsonMap
from muntin_gameservers.eggs.parsing import Syntax
from muntin_gameservers.eggs.rules.splitting import join_rules
from muntin_gameservers.eggs.spelling import respell

_PTDL = frozenset({EggVersion.PTDL_V1, EggVersion.PTDL_V2})
_CONFIG_AS_MAPS = frozenset({EggVersion.PLCN_V2, EggVersion.PLCN_V3})  # and only in YAML


def egg_document(egg: EggDefinition, version: EggVersion, syntax: Syntax) -> dict[str, Json]:
    """The document to export: spelled as the file was when it goes out in the format it came in."""
    document = plain_document(egg, version, syntax)
    if version == egg.version:
        respell(document, egg.spellings)
    return document


def plain_document(egg: EggDefinition, version: EggVersion, syntax: Syntax) -> dict[str, Json]:
    """The document as we would write it, keys in the order the panels use."""
    document: dict[str, Json] = {} if egg.comment is None else {"_comment": egg.comment}
    document["meta"] = {"version": version.value, "update_url": egg.update_url, **egg.meta_extra}
    document |= {"exported_at": egg.exported_at, "name": egg.name, "author": egg.author}
    document |= _identity(egg, version)
    document["features"] = list(egg.features)
    document |= _images(egg, version)
    document["file_denylist"] = list(egg.file_denylist)
    document |= _startup(egg, version)
    document["config"] = _config(egg.config, as_maps=syntax == "yaml" and version in _CONFIG_AS_MAPS)
    document["scripts"] = _scripts(egg)
    document["variables"] = [_variable(each, place, egg, version) for place, each in enumerate(egg.variables, start=1)]
    return _with_extra(document, egg.extra)


def _identity(egg: EggDefinition, version: EggVersion) -> dict[str, Json]:
    """What only the later formats have; in an egg's own format also whatever its file had beyond it."""
    own = version == egg.version
    has_tags = version not in _PTDL
    known: dict[str, Json] = {"uuid": egg.uuid} if has_tags or (own and egg.uuid) else {}
    known["description"] = egg.description
    if version == EggVersion.PLCN_V3 or (own and egg.icon):
        known[_key(egg, version, "icon")] = egg.icon
    if has_tags or (own and egg.tags):
        known["tags"] = list(egg.tags)
    return known


def _key(egg: EggDefinition, version: EggVersion, usual: str) -> str:
    return egg.keys.get(usual, usual) if version == egg.version else usual


def _images(egg: EggDefinition, version: EggVersion) -> dict[str, Json]:
    images = list(egg.docker_images.values())
    key = _key(egg, version, "images" if version == EggVersion.PTDL_V1 else "docker_images")
    if key == "image" and len(images) == 1:
        return {"image": images[0]}
    if key == "docker_images":
        return {key: dict(egg.docker_images)}
    return {"images": list[Json](images)}


def _startup(egg: EggDefinition, version: EggVersion) -> dict[str, Json]:
    key = _key(egg, version, "startup_commands" if version == EggVersion.PLCN_V3 else "startup")
    return {key: egg.startup if key == "startup" else dict(egg.startup_commands)}


def _config(config: EggConfig, *, as_maps: bool) -> dict[str, Json]:
    parts: Mapping[str, JsonMap] = {"files": config.files, "startup": config.startup, "logs": config.logs}
    document: dict[str, Json] = {key: dict(part) if as_maps else _json_text(part) for key, part in parts.items()}
    document["stop"] = config.stop
    return _with_extra(document, config.extra)


def _json_text(part: JsonMap) -> str:
    return json.dumps(part, indent=4, ensure_ascii=False)


def _scripts(egg: EggDefinition) -> dict[str, Json]:
    script = egg.installation
    installation: dict[str, Json] = {
        "script": script.script,
        "container": script.container,
        "entrypoint": script.entrypoint,
    }
    return _with_extra({"installation": _with_extra(installation, script.extra)}, egg.scripts_extra)


def _variable(variable: VariableDefinition, place: int, egg: EggDefinition, version: EggVersion) -> dict[str, Json]:
    document: dict[str, Json] = {
        "name": variable.name,
        "description": variable.description,
        "env_variable": variable.env_variable,
        "default_value": variable.default_value,
        "user_viewable": variable.user_viewable,
        "user_editable": variable.user_editable,
        "rules": join_rules(variable.rules) if version in _PTDL else list(variable.rules),
    }
    own = version == egg.version
    if version == EggVersion.PTDL_V2 or (own and variable.field_type is not None):
        document["field_type"] = variable.field_type or "text"
    if version not in _PTDL or (own and variable.sort is not None):
        document["sort"] = place if variable.sort is None else variable.sort
    return _with_extra(document, variable.extra)


def _with_extra(document: dict[str, Json], extra: Mapping[str, Any]) -> dict[str, Json]:
    """Unknown keys behind the known ones, which win where another format knows the key."""
    return {**document, **{key: value for key, value in extra.items() if key not in document}}
