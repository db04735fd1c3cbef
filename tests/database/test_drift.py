"""Migrations and models agree, and the check that says so can see a difference."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from muntin.database.migrations import make_migrations
from muntin.testing.drift import drift
from muntin.testing.stores import Store

if TYPE_CHECKING:
    from .conftest import Workshop

THINGS = """
class Box(Table):
    name = fields.CharField(max_length=64, unique=True)
    label = fields.CharField(max_length=20, default="", db_default="")

    class Meta:
        table = "things_box"


class Thing(Table):
    box = fields.ForeignKeyField("things.Box", related_name="things", on_delete=fields.RESTRICT)
    twin = fields.OneToOneField("things.Thing", related_name="other", on_delete=fields.SET_NULL, null=True)
    name = fields.CharField(max_length=64, db_index=True)
    size_mib = fields.BigIntField(null=True)
    is_open = fields.BooleanField(default=False)
    ratio = fields.FloatField(default=0.5)
    data = fields.JSONField(default=dict)
    note = fields.TextField(default="")

    class Meta:
        table = "things_thing"
        unique_together = (("box_id", "name"),)
        indexes = [Index(fields=("name", "size_mib"))]
"""


async def test_first_migration_makes_what_the_models_describe(store: Store, workshop: Workshop) -> None:
    app = workshop.app("things", THINGS)
    await make_migrations([app], "things")

    assert await drift(store.empty(), store.empty(), [app]) == []


async def test_migrated_step_by_step_the_tables_are_the_same(store: Store, workshop: Workshop) -> None:
    earlier = THINGS.replace("max_length=64", "max_length=32").replace('    note = fields.TextField(default="")\n', "")
    app = workshop.app("things", earlier)
    await make_migrations([app], "things")
    models = workshop.folder / (str(app.models).replace(".", "/") + ".py")
    models.write_text(
        models.read_text()
        .replace("max_length=32", "max_length=64")
        .replace("    data =", "    note = fields.TextField(null=True)\n    data =")
    )
    del sys.modules[str(app.models)]
    await make_migrations([app], "things")

    assert await drift(store.empty(), store.empty(), [app]) == []


async def test_drifted_models_are_told_from_the_tables(store: Store, workshop: Workshop) -> None:
    app = workshop.app("things", THINGS)
    await make_migrations([app], "things")
    models = workshop.folder / (str(app.models).replace(".", "/") + ".py")
    models.write_text(
        models.read_text()
        .replace("max_length=20", "max_length=30")
        .replace('        unique_together = (("box_id", "name"),)\n', "")
    )
    del sys.modules[str(app.models)]

    found = await drift(store.empty(), store.empty(), [app])

    assert any(line.startswith("aerich: only in the migrated database: ThingsBox: label") for line in found)
    assert "things_thing.indexes: only in the first: (('box_id', 'name'), True)" in found
