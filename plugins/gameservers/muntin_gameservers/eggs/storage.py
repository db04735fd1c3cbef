"""Helpers for the form an egg has in a database column.

PostgreSQL's jsonb forgets the order of keys, and the order of images, start commands and configuration files means
something. So those maps are stored as lists of pairs or as JSON text.
"""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from muntin_gameservers.eggs.json_values import Json, JsonMap


def plain(value: Any) -> Json:
    """A dataclass of the egg library as JSON: parts become mappings, tuples lists, enumerations their value."""
    if is_dataclass(value):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    if isinstance(value, Enum):
        return str(value.value)
    copy: Json = dict(value) if isinstance(value, Mapping) else value
    return copy


def known(kind: type[Any], stored: JsonMap) -> dict[str, Any]:
    """Those keys of a stored mapping that the dataclass `kind` has; the others are of a later release."""
    names = {each.name for each in fields(kind)}
    return {key: value for key, value in stored.items() if key in names}


def pairs(ordered: Mapping[str, str]) -> Json:
    """A map as the list of its pairs."""
    return [[key, value] for key, value in ordered.items()]


def from_pairs(stored: Any) -> dict[str, str]:
    """The map that `pairs` stored."""
    return {str(key): str(value) for key, value in stored}


def as_text(ordered: JsonMap) -> str:
    """A map of any depth as JSON text."""
    return json.dumps(dict(ordered), ensure_ascii=False)


def from_text(stored: Any) -> dict[str, Json]:
    """The map that `as_text` stored."""
    found: dict[str, Json] = json.loads(stored)
    return found
