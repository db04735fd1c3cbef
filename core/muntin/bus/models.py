"""The counts that must be exact."""

from __future__ import annotations

from tortoise import fields

from muntin.database import Table


class LimitRow(Table):
    """The uses of one bucket in its latest window of time."""

    bucket = fields.CharField(max_length=200, unique=True)
    window_number = fields.BigIntField()  # windows since 1970
    used = fields.IntField()
    ends_at_s = fields.BigIntField()  # seconds since 1970; afterwards the row may go

    class Meta:
        table = "core_limit"
