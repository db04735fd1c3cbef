"""Reads an egg file of any of the five formats."""

from dataclasses import replace
from typing import Final

from muntin_gameservers.eggs.definition import EggConfig, EggDefinition, EggVersion, InstallScript, VariableDefinition
from muntin_gameservers.eggs.document_fields import DocumentFields
from muntin_gameservers.eggs.documents import plain_document
from muntin_gameservers.eggs.errors import EggInvalid, EggVersionUnknown
from muntin_gameservers.eggs.json_values import Json
from muntin_gameservers.eggs.parsing import Syntax, parse_document
from muntin_gameservers.eggs.rules.splitting import split_rules
from muntin_gameservers.eggs.spelling import spellings

LONGEST_NAME: Final = 191  # characters, as the panels that write these files have it
DEFAULT_COMMAND: Final = "Default"
NO_IMAGE: Final = "nil"  # what a PTDL_v1 file without any image means
_WORD: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")


def read_egg(data: bytes, *, name: str = "") -> EggDefinition:
    """The egg in a file, JSON or YAML, told apart by content.

    Args:
        data: The file, at most 1 MiB.
        name: Its name, if known; decides only what content leaves open.

    Raises:
        EggTooLarge: More than 1 MiB.
        EggUnreadable: Neither JSON nor YAML, or built to exhaust its reader (aliases, depth, number of values).
        EggVersionUnknown: `meta.version` is missing or not one of the five.
        EggInvalid: Fields are missing or wrong; all of them are named.
    """
    document, syntax = parse_document(data, name)
    return read_document(document, syntax)


def read_document(document: dict[str, Json], syntax: Syntax = "json") -> EggDefinition:
    """The egg in an already parsed document, such as a part of a request body.

    Raises:
        EggVersionUnknown, EggInvalid: As `read_egg`.
    """
    fields = DocumentFields(document, (), {})
    egg = _read(fields, _version(document))
    if fields.faults:
        raise EggInvalid(fields.faults)
    plain = plain_document(egg, egg.version, syntax)
    return replace(egg, spellings=tuple(spellings(document, plain)))


def _version(document: dict[str, Json]) -> EggVersion:
    meta = document.get("meta")
    version = meta.get("version") if isinstance(meta, dict) else None
    if version is None:
        raise EggVersionUnknown("The file does not say its format version.")
    known = [each.value for each in EggVersion]
    if version not in known:
        raise EggVersionUnknown(f"Unknown format version {str(version)[:40]!r}; known are {', '.join(known)}.")
    return EggVersion(str(version))


def _read(fields: DocumentFields, version: EggVersion) -> EggDefinition:
    meta = fields.section("meta")
    meta.text("version")
    update_url = meta.text("update_url")
    keys: dict[str, str] = {}
    scripts = fields.section("scripts")
    return EggDefinition(
        name=fields.required_text("name", longest=LONGEST_NAME),
        version=version,
        comment=fields.text("_comment"),
        update_url=update_url,
        exported_at=fields.text("exported_at"),
        author=fields.text("author"),
        description=fields.text("description"),
        uuid=fields.text("uuid"),
        tags=fields.texts("tags"),
        icon=_icon(fields, version, keys),
        features=fields.texts("features"),
        docker_images=_images(fields, version, keys),
        file_denylist=fields.texts("file_denylist"),
        startup_commands=_startup_commands(fields, version, keys),
        config=_config(fields.section("config")),
        installation=_installation(scripts.section("installation")),
        scripts_extra=scripts.rest(),
        variables=_variables(fields),
        meta_extra=meta.rest(),
        extra=fields.rest(),
        keys=keys,
    )


def _icon(fields: DocumentFields, version: EggVersion, keys: dict[str, str]) -> str | None:
    if version == EggVersion.PLCN_V3 and "icon" not in fields and "image" in fields:
        keys["icon"] = "image"
        return fields.text("image")
    return fields.text("icon")


def _images(fields: DocumentFields, version: EggVersion, keys: dict[str, str]) -> dict[str, str]:
    first = version == EggVersion.PTDL_V1
    usual, others = ("images", ("image", "docker_images")) if first else ("docker_images", ("images",))
    key = _first_key(fields, usual, others)
    if key != usual:
        keys[usual] = key
    images = {label: image for label, image in fields.text_map(key).items() if image}
    if images or _is_faulty(fields, key):
        return images
    if first:
        return {NO_IMAGE: NO_IMAGE}
    fields.note("At least one image is needed.", key)
    return {}


def _startup_commands(fields: DocumentFields, version: EggVersion, keys: dict[str, str]) -> dict[str, str]:
    both = ("startup", "startup_commands")
    usual, other = both[::-1] if version == EggVersion.PLCN_V3 else both
    key = _first_key(fields, usual, (other,))
    if key != usual:
        keys[usual] = key
    if key == "startup":
        command = fields.text(key)
        commands = {} if command is None else {DEFAULT_COMMAND: command}
    else:
        commands = fields.text_map(key)
    if not commands and not _is_faulty(fields, key):
        fields.note("A start command is needed.", key)
    return commands


def _first_key(fields: DocumentFields, usual: str, others: tuple[str, ...]) -> str:
    """The key the file uses for a thing that has had several names; the usual one when it uses none."""
    return next((key for key in (usual, *others) if key in fields), usual)


def _is_faulty(fields: DocumentFields, key: str) -> bool:
    """Whether something is already known to be wrong at or below a key, so that one cause is told once."""
    return any(path == key or path.startswith(f"{key}.") for path in fields.faults)


def _config(fields: DocumentFields) -> EggConfig:
    config = EggConfig(
        files=fields.json_map("files"),
        startup=fields.json_map("startup"),
        logs=fields.json_map("logs"),
        stop=fields.text("stop") or "",
        extra=fields.rest(),
    )
    for path, entry in config.files.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("find", {}), dict | list):
            fields.note("Must be a mapping with parser and find.", "files", path)
        elif not isinstance(entry.get("parser", ""), str):
            fields.note("Must be a text.", "files", path, "parser")
    return config


def _installation(fields: DocumentFields) -> InstallScript:
    return InstallScript(
        script=_unix_lines(fields.text("script") or ""),
        container=fields.text("container") or "",
        entrypoint=fields.text("entrypoint") or "",
        extra=fields.rest(),
    )


def _unix_lines(script: str) -> str:
    return "\n".join(line.rstrip("\r") for line in script.split("\n"))


def _variables(fields: DocumentFields) -> tuple[VariableDefinition, ...]:
    variables = []
    seen: set[str] = set()
    for each in fields.sections("variables"):
        variable = _variable(each)
        env_name = variable.env_variable.upper()
        if env_name and env_name in seen:
            each.note("Another variable has this name.", "env_variable")
        seen.add(env_name)
        variables.append(variable)
    return tuple(variables)


def _variable(fields: DocumentFields) -> VariableDefinition:
    env_variable = fields.required_text("env_variable", longest=LONGEST_NAME)
    if not _WORD.issuperset(env_variable):
        fields.note("Only letters, digits and the underscore.", "env_variable")
    return VariableDefinition(
        name=fields.required_text("name", longest=LONGEST_NAME),
        env_variable=env_variable,
        description=fields.text("description"),
        default_value=fields.text("default_value") or "",
        user_viewable=fields.flag("user_viewable"),
        user_editable=fields.flag("user_editable"),
        rules=_rules(fields),
        sort=fields.number("sort"),
        field_type=fields.text("field_type"),
        extra=fields.rest(),
    )


def _rules(fields: DocumentFields) -> tuple[str, ...]:
    if fields.holds_list("rules"):
        return tuple(rule for rule in fields.texts("rules") if rule)
    return split_rules(fields.text("rules") or "")
