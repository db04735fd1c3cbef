from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.migrations import operations as ops

from muntin.database.identifiers import uuid7


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]

    initial = True

    operations = [
        ops.CreateModel(
            name="ProgramRow",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("updated_at", fields.DatetimeField(auto_now=True, auto_now_add=False)),
                ("name", fields.CharField(max_length=191)),
                ("argv", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("state", fields.CharField(default="offline", max_length=16)),
                (
                    "owner",
                    fields.ForeignKeyField(
                        "core.AccountRow",
                        source_field="owner_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="programs",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "node",
                    fields.ForeignKeyField(
                        "core.NodeRow",
                        source_field="node_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="programs",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
            ],
            options={
                "table": "programs_program",
                "app": "programs",
                "pk_attr": "id",
                "table_description": "One program; `state` is what its node reported.",
            },
            bases=["Table"],
        ),
    ]
