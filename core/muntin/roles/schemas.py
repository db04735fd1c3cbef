"""Roles as they come in and go out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from muntin.roles.models import RoleRow
from muntin.schemas import Input, Line, Text

RoleName = Annotated[Line, StringConstraints(min_length=1, max_length=64)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
Key = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Multiplier = Annotated[float, Field(ge=0.1, le=100, allow_inf_nan=False)]


class RoleInput(Input):
    """A new role.

    Attributes:
        slug: Made from the name when absent.
        rate_limit_multiplier: How many times the usual requests per minute.
    """

    name: RoleName
    slug: Slug | None = None
    description: Text | None = None
    rate_limit_multiplier: Multiplier = 1.0
    permissions: list[Key] = Field(max_length=1000)


class RoleChange(Input):
    """What is to change; what is absent stays."""

    name: RoleName | None = None
    slug: Slug | None = None
    description: Text | None = None
    rate_limit_multiplier: Multiplier | None = None
    permissions: list[Key] | None = Field(default=None, max_length=1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role as people see it."""

    id: int
    name: str
    slug: str
    description: str | None
    is_system: bool
    rate_limit_multiplier: float
    permissions: Sequence[str]
    users_count: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: RoleRow, users_count: int) -> Role:
        """The row, with the number of accounts that have the role."""
        return cls(
            id=row.id,
            name=row.name,
            slug=row.slug,
            description=row.description,
            is_system=row.is_system,
            rate_limit_multiplier=row.rate_limit_multiplier,
            permissions=tuple(row.grants),
            users_count=users_count,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
