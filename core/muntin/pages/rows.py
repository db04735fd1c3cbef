"""Dataclasses of services as rows of a table: their fields and, beside them, what only the page knows."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def row(one: DataclassInstance, **more: Any) -> dict[str, Any]:
    """One row."""
    return {field.name: getattr(one, field.name) for field in fields(one)} | more


def options(pairs: dict[Any, str] | list[tuple[Any, str]]) -> list[tuple[str, str]]:
    """Options of a select; values are text, as browsers send them."""
    return [(str(value), label) for value, label in (pairs.items() if isinstance(pairs, dict) else pairs)]
