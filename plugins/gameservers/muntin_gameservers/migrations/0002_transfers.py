from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import UniqueConstraint

from muntin.database.identifiers import uuid7


class Migration(migrations.Migration):
    dependencies = [("core", "0002_audit_plugin"), ("gameservers", "0001_initial")]

    initial = False

    operations = [
        ops.CreateModel(
            name="TransferRow",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("updated_at", fields.DatetimeField(auto_now=True, auto_now_add=False)),
                (
                    "server",
                    fields.ForeignKeyField(
                        "gameservers.ServerRow",
                        source_field="server_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="transfers",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("source_node_id", fields.UUIDField()),
                ("target_node_id", fields.UUIDField()),
                ("allocation_id", fields.UUIDField()),
                ("state", fields.CharField(default="pending", max_length=16)),
                ("reason", fields.TextField(default="", unique=False)),
                ("was_running", fields.BooleanField(default=False)),
                ("ordered_by", fields.UUIDField(null=True)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "gameservers_transfer",
                "app": "gameservers",
                "indexes": [Index(fields=["server_id", "created_at"]), Index(fields=["state", "target_node_id"])],
                "pk_attr": "id",
                "table_description": "A server's move to another node.",
            },
            bases=["Table"],
        ),
        ops.RemoveIndex(
            model_name="LeftoverRow",
            name=None,
            fields=["node_id"],
        ),
        ops.AlterModelOptions(
            name="LeftoverRow",
            options={
                "table": "gameservers_leftover",
                "app": "gameservers",
                "unique_together": (("node_id", "server_id"),),
                "pk_attr": "id",
                "table_description": "What a node still has of a server that is not its any more; it is removed there as soon as the node can.",
            },
        ),
        ops.AlterField(
            model_name="LeftoverRow",
            name="server_id",
            field=fields.UUIDField(),
        ),
        ops.AddConstraint(
            model_name="LeftoverRow",
            constraint=UniqueConstraint(fields=("node_id", "server_id"), name=None),
        ),
    ]
