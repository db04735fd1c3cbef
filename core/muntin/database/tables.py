"""What every table of the panel and of its plugins begins with."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from muntin.database.identifiers import uuid7


class Table(Model):
    """A row with an identifier that sorts by age, and the times it was made and last saved.

    `updated_at` follows `save()`; a bulk `update()` sets it only when it names it.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    created_at = fields.DatetimeField(auto_now_add=True)
    updated_at = fields.DatetimeField(auto_now=True)

    class Meta:
        abstract = True
