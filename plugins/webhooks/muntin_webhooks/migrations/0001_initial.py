from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from muntin.database.identifiers import uuid7


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="EndpointRow",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("updated_at", fields.DatetimeField(auto_now=True, auto_now_add=False)),
                ("account_id", fields.UUIDField(null=True)),
                ("created_by", fields.UUIDField(null=True)),
                ("name", fields.CharField(max_length=191)),
                ("description", fields.TextField(default="", unique=False)),
                ("kind", fields.CharField(max_length=64)),
                ("config", fields.TextField(unique=False)),
                ("keys", fields.JSONField(default=list, encoder=JSON_DUMPS, decoder=loads)),
                ("event_types", fields.JSONField(default=list, encoder=JSON_DUMPS, decoder=loads)),
                ("filters", fields.JSONField(default=list, encoder=JSON_DUMPS, decoder=loads)),
                ("is_enabled", fields.BooleanField(default=True)),
                ("retry_count", fields.IntField(null=True)),
                ("retry_delay_s", fields.IntField(null=True)),
                ("timeout_s", fields.IntField(default=15)),
                ("revision", fields.BigIntField()),
                ("last_status", fields.IntField(null=True)),
                ("failing_since_ms", fields.BigIntField(null=True)),
                ("disabled_reason", fields.TextField(default="", unique=False)),
                ("leased_by", fields.CharField(null=True, max_length=64)),
                ("leased_until_ms", fields.BigIntField(default=0)),
            ],
            options={
                "table": "webhooks_endpoint",
                "app": "webhooks",
                "indexes": [Index(fields=["account_id", "name"])],
                "pk_attr": "id",
                "table_description": "A webhook: who wants to hear of what, and where it is sent.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="DeliveryRow",
            fields=[
                ("number", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("id", fields.UUIDField(unique=True)),
                (
                    "endpoint",
                    fields.ForeignKeyField(
                        "webhooks.EndpointRow",
                        source_field="endpoint_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="deliveries",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("message_id", fields.UUIDField()),
                ("type", fields.CharField(max_length=128)),
                ("state", fields.CharField(default="fresh", max_length=8)),
                ("attempts", fields.IntField(default=0)),
                ("due_at_ms", fields.BigIntField(default=0)),
                ("created_at_ms", fields.BigIntField()),
                ("sent_at_ms", fields.BigIntField(null=True)),
                ("status_code", fields.IntField(null=True)),
                ("response_ms", fields.IntField(null=True)),
                ("error", fields.TextField(null=True, unique=False)),
                ("response", fields.TextField(null=True, unique=False)),
                ("history", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
            ],
            options={
                "table": "webhooks_delivery",
                "app": "webhooks",
                "indexes": [
                    Index(fields=["endpoint_id", "state", "due_at_ms", "number"]),
                    Index(fields=["endpoint_id", "created_at_ms"]),
                    Index(fields=["message_id", "endpoint_id"]),
                ],
                "pk_attr": "number",
                "table_description": "One message on its way to one webhook.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="MessageRow",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("updated_at", fields.DatetimeField(auto_now=True, auto_now_add=False)),
                ("type", fields.CharField(max_length=128)),
                ("version", fields.IntField()),
                ("resource_type", fields.CharField(max_length=64)),
                ("resource_id", fields.CharField(max_length=255)),
                ("sequence", fields.BigIntField()),
                ("occurred_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("recorded_at_ms", fields.BigIntField()),
                ("actor_id", fields.UUIDField(null=True)),
                ("accounts", fields.JSONField(default=list, encoder=JSON_DUMPS, decoder=loads)),
                ("payload", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
            ],
            options={
                "table": "webhooks_message",
                "app": "webhooks",
                "indexes": [Index(fields=["recorded_at_ms"])],
                "pk_attr": "id",
                "table_description": "An event as it is told; kept once, however many webhooks hear of it. Its id is the event's.",
            },
            bases=["Table"],
        ),
    ]
