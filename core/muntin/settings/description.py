"""A section's fields in words: for the command line, and for the generated page of the documentation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from muntin.settings.environment import PREFIX
from muntin.settings.stored import secret_fields

_LIMITS = (
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("pattern", "like {}"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedField:
    """One setting as people read of it.

    Attributes:
        kind: In a word or two: `text`, `number`, `yes or no`, `one of a, b`, `secret`.
        variable: The environment variable that decides it.
    """

    name: str
    title: str
    help: str
    kind: str
    default: str
    limits: str
    variable: str


def described(section: str, model: type[BaseModel]) -> list[DescribedField]:
    """Every field, in the order of the form."""
    schema = model.model_json_schema()
    secrets = secret_fields(model)
    return [
        _field(section, name, one, schema.get("$defs", {}), is_secret=name in secrets)
        for name, one in schema.get("properties", {}).items()
    ]


def _field(
    section: str, name: str, schema: Mapping[str, Any], defs: Mapping[str, Any], *, is_secret: bool
) -> DescribedField:
    unit = schema.get("unit", "")
    limits = [words.format(one[key]) for one in _alternatives(schema, defs) for key, words in _LIMITS if key in one]
    return DescribedField(
        name=name,
        title=str(schema.get("title", name)),
        help=str(schema.get("description", "")),
        kind="secret" if is_secret else _kind(schema, defs) + (f" ({unit})" if unit else ""),
        default="none" if is_secret else json.dumps(schema.get("default")),
        limits=", ".join(limits),
        variable=f"{PREFIX}{section.upper()}__{name.upper()}",
    )


def _alternatives(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if "$ref" in schema:
        return [defs.get(str(schema["$ref"]).rsplit("/", 1)[-1], {})]
    return list(schema.get("anyOf") or [schema])


def _kind(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> str:
    words = [_word(one, defs) for one in _alternatives(schema, defs)]
    return " or ".join(words)


def _word(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return "one of " + ", ".join(str(one) for one in schema["enum"])
    kind = str(schema.get("type", "any value"))
    if kind == "array":
        return f"list of {_kind(schema.get('items', {}), defs)}"
    words = {"string": "text", "integer": "whole number", "boolean": "yes or no", "null": "nothing", "object": "table"}
    return words.get(kind, kind)
