from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from muntin.database.identifiers import uuid7


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]

    initial = True

    operations = [
        ops.CreateModel(
            name="LeftoverRow",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("updated_at", fields.DatetimeField(auto_now=True, auto_now_add=False)),
                ("node_id", fields.UUIDField()),
                ("server_id", fields.UUIDField(unique=True)),
            ],
            options={
                "table": "gameservers_leftover",
                "app": "gameservers",
                "indexes": [Index(fields=["node_id"])],
                "pk_attr": "id",
                "table_description": "A server that was removed from the panel while its node was away; it is removed there later.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="NestRow",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("updated_at", fields.DatetimeField(auto_now=True, auto_now_add=False)),
                ("name", fields.CharField(unique=True, max_length=191)),
                ("description", fields.TextField(null=True, unique=False)),
                ("author", fields.CharField(default="", max_length=191)),
            ],
            options={
                "table": "gameservers_nest",
                "app": "gameservers",
                "pk_attr": "id",
                "table_description": "A group of eggs.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="EggRow",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("updated_at", fields.DatetimeField(auto_now=True, auto_now_add=False)),
                (
                    "nest",
                    fields.ForeignKeyField(
                        "gameservers.NestRow",
                        source_field="nest_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="eggs",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("name", fields.CharField(max_length=191)),
                ("description", fields.TextField(null=True, unique=False)),
                ("author", fields.CharField(default="", max_length=191)),
                ("definition", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
            ],
            options={
                "table": "gameservers_egg",
                "app": "gameservers",
                "unique_together": (("nest", "name"),),
                "pk_attr": "id",
                "table_description": "How to install and run one game; `definition` holds everything an egg file holds.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="ServerRow",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("updated_at", fields.DatetimeField(auto_now=True, auto_now_add=False)),
                ("short_id", fields.CharField(unique=True, max_length=8)),
                ("external_id", fields.CharField(null=True, unique=True, max_length=191)),
                ("name", fields.CharField(max_length=191)),
                ("description", fields.TextField(null=True, unique=False)),
                (
                    "owner",
                    fields.ForeignKeyField(
                        "core.AccountRow",
                        source_field="owner_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="game_servers",
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
                        related_name="game_servers",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "egg",
                    fields.ForeignKeyField(
                        "gameservers.EggRow",
                        source_field="egg_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="servers",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("allocation_id", fields.UUIDField(null=True)),
                ("memory_mib", fields.BigIntField()),
                ("swap_mib", fields.BigIntField(default=0)),
                ("disk_mib", fields.BigIntField()),
                ("io_weight", fields.IntField(default=500)),
                ("cpu_percent", fields.IntField(default=0)),
                ("databases_limit", fields.IntField(default=0)),
                ("backups_limit", fields.IntField(default=0)),
                ("allocations_limit", fields.IntField(default=1)),
                ("image", fields.CharField(max_length=255)),
                ("startup", fields.TextField(unique=False)),
                ("environment", fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads)),
                ("skip_install", fields.BooleanField(default=False)),
                ("start_on_completion", fields.BooleanField(default=False)),
                ("stage", fields.CharField(default="installing", max_length=16)),
                ("is_suspended", fields.BooleanField(default=False)),
                ("suspension_reason", fields.TextField(null=True, unique=False)),
                ("power", fields.CharField(default="offline", max_length=16)),
                ("problem", fields.TextField(default="", unique=False)),
                ("last_exit", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
                ("installed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "gameservers_server",
                "app": "gameservers",
                "indexes": [
                    Index(fields=["owner_id", "name"]),
                    Index(fields=["node_id"]),
                    Index(fields=["egg_id"]),
                    Index(fields=["stage"]),
                ],
                "pk_attr": "id",
                "table_description": "One game server.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="AllocationRow",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("updated_at", fields.DatetimeField(auto_now=True, auto_now_add=False)),
                ("node_id", fields.UUIDField()),
                ("ip", fields.CharField(max_length=45)),
                ("alias", fields.CharField(null=True, max_length=191)),
                ("port", fields.IntField()),
                (
                    "server",
                    fields.ForeignKeyField(
                        "gameservers.ServerRow",
                        source_field="server_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="allocations",
                        on_delete=OnDelete.SET_NULL,
                    ),
                ),
                ("notes", fields.TextField(null=True, unique=False)),
            ],
            options={
                "table": "gameservers_allocation",
                "app": "gameservers",
                "unique_together": (("node_id", "ip", "port"),),
                "indexes": [Index(fields=["server_id"])],
                "pk_attr": "id",
                "table_description": "An address and port of a node, free or given to a server.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="SubuserRow",
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
                        related_name="subusers",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("account_id", fields.UUIDField()),
                ("permissions", fields.JSONField(default=list, encoder=JSON_DUMPS, decoder=loads)),
            ],
            options={
                "table": "gameservers_subuser",
                "app": "gameservers",
                "unique_together": (("server", "account_id"),),
                "indexes": [Index(fields=["account_id"])],
                "pk_attr": "id",
                "table_description": "An account that may do some things with somebody else's server.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="TicketRow",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("updated_at", fields.DatetimeField(auto_now=True, auto_now_add=False)),
                ("digest", fields.CharField(unique=True, max_length=64)),
                ("server_id", fields.UUIDField()),
                ("actor", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "gameservers_ticket",
                "app": "gameservers",
                "indexes": [Index(fields=["expires_at"])],
                "pk_attr": "id",
                "table_description": "A one-time permission to open a console socket, for browsers, which cannot set headers on it.",
            },
            bases=["Table"],
        ),
    ]
