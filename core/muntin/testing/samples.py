"""Requests that are valid as far as models and paths say, for tests that are about something else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from pydantic import BaseModel

VALUE = re.compile(r"<(?:([a-z]+)(?:\([^)]*\))?:)?([a-z_]+)>")
"""A value in the path of a route: its kind and its name."""


def filled(path: str, values: Mapping[str, object]) -> str:
    """A path with its values filled in; unknown names get an id that exists nowhere."""

    def value(found: re.Match[str]) -> str:
        kind, name = found.groups()
        if name in values:
            return str(values[name])
        return "999999" if kind == "int" else str(UUID(int=uuid4().int)) if kind == "uuid" else "nothing"

    return VALUE.sub(value, path)


def sample(model: type[BaseModel]) -> dict[str, Any]:
    """A body with all required fields, as valid as the model's JSON Schema lets one guess; names differ each time."""
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})
    return {name: _guess(schema["properties"][name], definitions) for name in schema.get("required", ())}


def _guess(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
    if "$ref" in schema:
        return _guess(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions)
    if schema.get("examples"):
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return _guess(schema["anyOf"][0], definitions)
    match schema.get("type"):
        case "string":
            return _text(schema)
        case "integer" | "number":
            return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        case "boolean":
            return False
        case "array":
            return [_guess(schema["items"], definitions)] if schema.get("minItems") else []
        case "object":
            required = schema.get("required", ())
            return {name: _guess(schema["properties"][name], definitions) for name in required}
    return None


def _text(schema: Mapping[str, Any]) -> str:
    known = {
        "email": f"{uuid4().hex[:8]}@example.com",
        "uuid": str(uuid4()),
        "date-time": "2030-01-01T00:00:00Z",
        "uri": "https://a.test",
    }
    found = known.get(schema.get("format", ""))
    return found if found else uuid4().hex[:8].ljust(int(schema.get("minLength", 0)), "x")
