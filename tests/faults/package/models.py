"""One table."""

from __future__ import annotations

import json
from pathlib import Path

from tortoise import fields
from tortoise.models import Model

NAME: str = json.loads((Path(__file__).parent / "faults.json").read_text())["name"]


class ThingRow(Model):
    """A thing."""

    id = fields.IntField(primary_key=True)
    name = fields.CharField(max_length=32)

    class Meta:
        table = f"{NAME}_thing"
