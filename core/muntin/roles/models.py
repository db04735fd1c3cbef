"""Roles: named lists of permissions; every account has exactly one."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model

from muntin.access import Grants
from muntin.database import Table
from muntin.database.tables import TableMeta

ADMIN_ID = 1
MODERATOR_ID = 2
USER_ID = 3
SYSTEM_IDS = (ADMIN_ID, MODERATOR_ID, USER_ID)


class RoleRow(Model, metaclass=TableMeta):
    """What an account may do everywhere. The first three are made with the panel and stay."""

    id = fields.IntField(primary_key=True)
    name = fields.CharField(max_length=64)
    slug = fields.CharField(max_length=64, unique=True)
    description = fields.TextField(null=True)
    rate_limit_multiplier = fields.FloatField(default=1.0)
    permissions: Any = fields.JSONField(default=list)  # list of keys; `*` and `prefix.*` stand for many
    created_at = fields.DatetimeField(auto_now_add=True)
    updated_at = fields.DatetimeField(auto_now=True)

    class Meta:
        table = "core_role"

    @property
    def grants(self) -> Grants:
        """The permissions as a set that can answer; the administrators' role allows everything, whatever is stored."""
        return Grants(("*",)) if self.id == ADMIN_ID else Grants(self.permissions)

    @property
    def is_system(self) -> bool:
        """Whether the role was made with the panel and cannot be deleted."""
        return self.id in SYSTEM_IDS


class OfferedPermissionRow(Table):
    """A permission that was offered to the built-in roles once, so that one taken away does not come back."""

    key = fields.CharField(max_length=128, unique=True)

    class Meta:
        table = "core_offered_permission"
