"""Eggs between their row and their definition."""

from __future__ import annotations

from typing import Any

from muntin_gameservers.eggs.definition import EggDefinition
from muntin_gameservers.models import EggRow


def definition_of(row: EggRow) -> EggDefinition:
    """The egg a row holds, under the name the row has."""
    return EggDefinition.from_json(row.definition)


def columns_of(egg: EggDefinition) -> dict[str, Any]:
    """The columns of the row that holds an egg; what is searched and sorted by has its own."""
    return {
        "name": egg.name,
        "description": egg.description,
        "author": (egg.author or "")[:191],
        "definition": egg.as_json(),
    }
