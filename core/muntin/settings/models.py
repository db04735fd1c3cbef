"""Stored settings: one row per section that was ever changed."""

from __future__ import annotations

from typing import Any

from tortoise import fields

from muntin.database import Table


class SettingRow(Table):
    """The values of one section that differ from its model's defaults or once did."""

    section = fields.CharField(max_length=64, unique=True)
    version = fields.IntField(default=1)  # one more with each change
    values: Any = fields.JSONField(default=dict)  # field -> JSON; secrets are encrypted text

    class Meta:
        table = "core_setting"
