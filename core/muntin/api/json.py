"""The panel's values as JSON: UTC times with `Z` to the second, UUIDs of every driver, permission sets."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel

from muntin.access import Grants

OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS | orjson.OPT_NAIVE_UTC


def dumps(value: Any) -> bytes:
    """Compact JSON; dataclasses, datetimes and UUIDs included."""
    return orjson.dumps(value, default=_default, option=OPTIONS)


def _default(value: Any) -> Any:
    if isinstance(value, UUID):  # asyncpg's subclass, which orjson does not know
        return str(value)
    if isinstance(value, Grants | frozenset | set):
        return sorted(value)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} cannot be shown as JSON.")
