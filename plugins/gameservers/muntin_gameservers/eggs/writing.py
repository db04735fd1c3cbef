"""Writes an egg in any of the five formats."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import yaml

from muntin_gameservers.eggs.definition import EggDefinition, EggVersion
from muntin_gameservers.eggs.documents import egg_document
from muntin_gameservers.eggs.errors import EggVersionUnknown
from muntin_gameservers.eggs.json_values import Json
from muntin_gameservers.eggs.parsing import Syntax

_BASE: Final[Any] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def write_egg(
    egg: EggDefinition,
    version: str | None = None,
    syntax: Syntax = "json",
    *,
    exported_at: datetime | None = None,
) -> bytes:
    """The file of an egg, UTF-8.

    In the format it was read in, nothing is lost: parsed, the file equals the one that was read. In another one,
    images, start command and rules are converted; what that format has no place for (icon, tags, labels of images
    in PTDL_v1, further start commands before PLCN_v3) is left out.

    Args:
        version: One of the five `meta.version` texts; None writes the egg's own.
        exported_at: Written instead of the date the egg was read with; an aware time.

    Raises:
        EggVersionUnknown: `version` is not one of the five.
    """
    if exported_at is not None:
        egg = replace(egg, exported_at=exported_at.isoformat(timespec="seconds"))
    document = egg_document(egg, _known(version or egg.version), syntax)
    return yaml_bytes(document) if syntax == "yaml" else _json(document)


def _known(version: str) -> EggVersion:
    try:
        return EggVersion(version)
    except ValueError as error:
        raise EggVersionUnknown(f"Unknown format version {version[:40]!r}.") from error


def _json(document: dict[str, Json]) -> bytes:
    return (json.dumps(document, indent=4, ensure_ascii=False) + "\n").encode()


class _EggDumper(_BASE):  # type: ignore[misc]  # the C dumper when libyaml is there, else PyYAML's own
    """Shows a text of several lines as such, so that people can read the scripts of an exported egg."""


def _represent_text(dumper: Any, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    node: yaml.ScalarNode = dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)
    return node


_EggDumper.add_representer(str, _represent_text)


def yaml_bytes(document: dict[str, Json]) -> bytes:
    """A mapping as YAML that both 1.1 and 1.2 readers take for the same values."""
    text: str = yaml.dump(document, Dumper=_EggDumper, sort_keys=False, allow_unicode=True, width=4096)
    return text.encode()
