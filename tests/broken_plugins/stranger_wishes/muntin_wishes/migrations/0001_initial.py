from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

from muntin.database.identifiers import uuid7


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]

    initial = True

    operations = [
        ops.CreateModel(
            name="WishRow",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("updated_at", fields.DatetimeField(auto_now=True, auto_now_add=False)),
                ("wish", fields.TextField(unique=False)),
                (
                    "owner",
                    fields.ForeignKeyField(
                        "core.AccountRow",
                        source_field="owner_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="wishes",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
            ],
            options={"table": "wishes_wish", "app": "wishes", "pk_attr": "id", "table_description": "One wish."},
            bases=["Table"],
        ),
    ]
