"""Migrations keep what is in the tables, on both stores.

Each test guards against one of the ways in which the stock runner of Tortoise loses or forgets something.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tortoise.exceptions import IntegrityError

from muntin.database import App, close_database, execute, fetch_all, open_database
from muntin.database.migrations import (
    MigrationFailed,
    StillNeeded,
    has_drifted,
    lint_migrations,
    make_migrations,
    migrate,
    pending,
    purge,
)
from muntin.testing.schemas import differences, read_schema
from muntin.testing.stores import Store

if TYPE_CHECKING:
    from .conftest import Workshop

CORE = '''
class User(Table):
    """Somebody; who has an account."""

    email = fields.CharField(max_length=100, unique=True)
    name = fields.CharField(max_length=64, db_index=True)

    class Meta:
        table = "core_user"


class Server(Table):
    owner = fields.ForeignKeyField("core.User", related_name="servers", on_delete=fields.CASCADE)
    name = fields.CharField(max_length=64, description="as shown; may be changed")
    port = fields.IntField(null=True)

    class Meta:
        table = "core_server"
        unique_together = (("owner_id", "name"),)
        indexes = [Index(fields=("name", "port"))]


class Profile(Table):
    user = fields.OneToOneField("core.User", related_name="profile", on_delete=fields.CASCADE)
    bio = fields.TextField(default="")

    class Meta:
        table = "core_profile"
'''
ZONES = """
class Zone(Table):
    owner = fields.ForeignKeyField("core.User", related_name="zones", on_delete=fields.RESTRICT)
    name = fields.CharField(max_length=255, unique=True)

    class Meta:
        table = "zones_zone"
"""
WIDER_NAME = """
dependencies = [("core", "0001_initial")]
operations = [
    ops.AlterField(model_name="User", name="name", field=fields.CharField(max_length=80, db_index=True)),
]
"""
WIDENED: dict[str, dict[str, Any]] = {
    "sqlite": {"narrow": ("name", "VARCHAR(64)", 1, None, 0), "wide": ("name", "VARCHAR(80)", 1, None, 0)},
    "postgresql": {
        "narrow": ("name", "character varying", 64, "NO", None),
        "wide": ("name", "character varying", 80, "NO", None),
    },
}
USER, SERVER, ZONE, PROFILE = (f"01900000-0000-7000-8000-00000000000{number}" for number in range(4))


async def fill(url: str, apps: list[App]) -> None:
    await open_database(url, apps)
    stamp = "created_at, updated_at"
    now = "'2026-01-01 00:00:00+00:00', '2026-01-01 00:00:00+00:00'"
    await execute(f"INSERT INTO core_user (id, {stamp}, email, name) VALUES (?, {now}, 'a@example.org', 'A')", [USER])
    await execute(
        f"INSERT INTO core_server (id, {stamp}, owner_id, name, port) VALUES (?, {now}, ?, 's', 1)", [SERVER, USER]
    )
    await execute(
        f"INSERT INTO core_profile (id, {stamp}, user_id, bio) VALUES (?, {now}, ?, 'it''s me')", [PROFILE, USER]
    )
    if any(app.label == "zones" for app in apps):
        await execute(
            f"INSERT INTO zones_zone (id, {stamp}, owner_id, name) VALUES (?, {now}, ?, 'example.org')", [ZONE, USER]
        )
    await close_database()


async def counts(url: str, apps: list[App], *tables: str) -> dict[str, int]:
    await open_database(url, apps)
    found = {table: (await fetch_all(f"SELECT count(*) AS n FROM {table}"))[0]["n"] for table in tables}
    await close_database()
    return found


async def test_plugin_added_later_is_all_that_is_applied(store: Store, workshop: Workshop) -> None:
    url, core, zones = store.empty(), workshop.app("core", CORE), workshop.app("zones", ZONES)
    await make_migrations([core, zones], "core")
    await make_migrations([core, zones], "zones")

    first = await migrate(url, [core])
    await fill(url, [core])
    waiting = await pending(url, [core, zones])
    second = await migrate(url, [core, zones])
    third = await migrate(url, [core])

    assert (first, waiting, second, third) == (
        ["core.0001_initial"],
        ["zones.0001_initial"],
        ["zones.0001_initial"],
        [],
    )
    assert await counts(url, [core, zones], "core_user", "zones_zone") == {"core_user": 1, "zones_zone": 0}


async def test_altered_parent_keeps_children_indexes_and_uniques(store: Store, workshop: Workshop) -> None:
    url, core, zones = store.empty(), workshop.app("core", CORE), workshop.app("zones", ZONES)
    apps = [core, zones]
    await make_migrations(apps, "core")
    await make_migrations(apps, "zones")
    await migrate(url, apps)
    await fill(url, apps)
    before = await read_schema(url)

    workshop.write_migration(core, "0002_wider_name", WIDER_NAME)
    assert await migrate(url, apps) == ["core.0002_wider_name"]

    after = await read_schema(url)
    tables = ("core_user", "core_server", "core_profile", "zones_zone")
    assert await counts(url, apps, *tables) == dict.fromkeys(tables, 1)
    assert differences(before, after) == [
        line.format(**WIDENED[store.kind])
        for line in (
            "core_user.columns: only in the first: {narrow}",
            "core_user.columns: only in the second: {wide}",
        )
    ]


async def test_altered_child_keeps_its_uniques_of_several_columns_and_one_to_one(
    store: Store, workshop: Workshop
) -> None:
    url, core = store.empty(), workshop.app("core", CORE)
    await make_migrations([core], "core")
    await migrate(url, [core])
    await fill(url, [core])

    workshop.write_migration(
        core,
        "0002_wider",
        """
        dependencies = [("core", "0001_initial")]
        operations = [
            ops.AlterField(model_name="Server", name="name", field=fields.CharField(max_length=99)),
            ops.RemoveField(model_name="Profile", name="bio"),
        ]
        """,
    )
    await migrate(url, [core])

    await open_database(url, [core])
    stamp, now = "created_at, updated_at", "'2026-01-01 00:00:00+00:00', '2026-01-01 00:00:00+00:00'"
    for statement in (
        f"INSERT INTO core_server (id, {stamp}, owner_id, name) VALUES ('{ZONE}', {now}, '{USER}', 's')",
        f"INSERT INTO core_profile (id, {stamp}, user_id) VALUES ('{ZONE}', {now}, '{USER}')",
        f"INSERT INTO core_profile (id, {stamp}, user_id) VALUES ('{ZONE}', {now}, '{SERVER}')",
    ):
        with pytest.raises(IntegrityError):
            await execute(statement)
    await close_database()


async def test_unique_of_several_columns_can_be_removed(store: Store, workshop: Workshop) -> None:
    url, core = store.empty(), workshop.app("core", CORE)
    await make_migrations([core], "core")
    await migrate(url, [core])
    await fill(url, [core])

    workshop.write_migration(
        core,
        "0002_names_may_repeat",
        """
        dependencies = [("core", "0001_initial")]
        operations = [
            ops.AlterModelOptions(name="Server", options={"table": "core_server", "app": "core"}),
            ops.RemoveConstraint(model_name="Server", fields=["owner_id", "name"]),
        ]
        """,
    )
    await migrate(url, [core])

    await open_database(url, [core])
    await execute(
        "INSERT INTO core_server (id, created_at, updated_at, owner_id, name)"
        f" SELECT '{ZONE}', created_at, updated_at, owner_id, name FROM core_server"
    )
    await close_database()
    assert await counts(url, [core], "core_server") == {"core_server": 2}


async def test_up_down_up_gives_the_same_schema(store: Store, workshop: Workshop) -> None:
    url, core, zones = store.empty(), workshop.app("core", CORE), workshop.app("zones", ZONES)
    apps = [core, zones]
    await make_migrations(apps, "core")
    await make_migrations(apps, "zones")
    workshop.write_migration(core, "0002_wider_name", WIDER_NAME)
    await migrate(url, apps)
    up = await read_schema(url)

    await purge(url, apps, "zones")
    undone = await purge(url, apps, "core")
    down = await read_schema(url)
    await migrate(url, apps)

    assert undone == ["core.0002_wider_name", "core.0001_initial"]
    assert "core_user" not in str(down)
    assert await read_schema(url) == up


async def test_purged_plugin_takes_its_tables_and_history_and_nothing_else(store: Store, workshop: Workshop) -> None:
    url, core, zones = store.empty(), workshop.app("core", CORE), workshop.app("zones", ZONES)
    apps = [core, zones]
    await make_migrations(apps, "core")
    await make_migrations(apps, "zones")
    await migrate(url, [core])
    bare = await read_schema(url)
    await migrate(url, apps)
    await fill(url, apps)

    with pytest.raises(StillNeeded, match="core are still needed by zones"):
        await purge(url, apps, "core")
    assert await purge(url, apps, "zones") == ["zones.0001_initial"]

    assert await read_schema(url) == bare
    assert await counts(url, [core], "core_user", "core_server") == {"core_user": 1, "core_server": 1}
    assert await pending(url, apps) == ["zones.0001_initial"]


async def test_failing_migration_changes_nothing_and_runs_once_it_is_mended(store: Store, workshop: Workshop) -> None:
    url, core = store.empty(), workshop.app("core", CORE)
    await make_migrations([core], "core")
    await migrate(url, [core])
    await fill(url, [core])
    before = await read_schema(url)
    body = """
        dependencies = [("core", "0001_initial")]
        operations = [
            ops.AddField(model_name="User", name="age", field=fields.IntField(db_default=0)),
            ops.RunSQL("{sql}", reverse_sql=""),
        ]
        """
    workshop.write_migration(core, "0002_age", body.format(sql="UPDATE nowhere SET age = 1"))

    with pytest.raises(MigrationFailed, match=r"migration core\.0002_age failed: .*nowhere"):
        await migrate(url, [core])
    after_failure = await read_schema(url)
    del sys.modules[f"{core.migrations}.0002_age"]
    shutil.rmtree(workshop.folder / core.migrations.replace(".", "/") / "__pycache__", ignore_errors=True)
    workshop.write_migration(core, "0002_age", body.format(sql="UPDATE core_user SET name = 'x; y' WHERE age = 0"))
    applied = await migrate(url, [core])

    assert after_failure == before
    assert applied == ["core.0002_age"]
    await open_database(url, [core])
    assert await fetch_all("SELECT name, age FROM core_user") == [{"name": "x; y", "age": 0}]
    await close_database()


async def test_migration_that_leaves_rows_pointing_to_nothing_is_undone(store: Store, workshop: Workshop) -> None:
    url, core = store.empty(), workshop.app("core", CORE)
    await make_migrations([core], "core")
    await migrate(url, [core])
    await fill(url, [core])

    workshop.write_migration(
        core,
        "0002_orphans",
        f"""
        dependencies = [("core", "0001_initial")]
        operations = [ops.RunSQL("UPDATE core_server SET owner_id = '{SERVER}'", reverse_sql="")]
        """,
    )

    with pytest.raises(MigrationFailed, match=r"core\.0002_orphans"):
        await migrate(url, [core])
    await open_database(url, [core])
    assert [str(row["owner_id"]) for row in await fetch_all("SELECT owner_id FROM core_server")] == [USER]
    await close_database()


async def test_processes_that_migrate_at_once_take_turns(store: Store, workshop: Workshop) -> None:
    url, core = store.empty(), workshop.app("core", CORE)
    await make_migrations([core], "core")
    (workshop.folder / core.migrations.split(".")[0] / "slow.py").write_text(
        "import asyncio\n\nasync def pause(apps, schema_editor):\n    await asyncio.sleep(0.3)\n"
    )
    workshop.write_migration(
        core,
        "0002_slow",
        f"""
        from {core.migrations.split(".")[0]}.slow import pause
        dependencies = [("core", "0001_initial")]
        operations = [
            ops.RunPython(code=pause),
            ops.AddField(model_name="User", name="note", field=fields.TextField(null=True)),
        ]
        """,
    )
    script = (
        "import asyncio; from muntin.database import App; from muntin.database.migrations import migrate; input()\n"
        f"print(asyncio.run(migrate({url!r}, [App('core', {core.models!r}, {core.migrations!r})])))"
    )
    environment = os.environ | {"PYTHONPATH": str(workshop.folder)}

    pipe = subprocess.PIPE
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, env=environment, stdin=pipe, stdout=pipe, stderr=pipe
        )
        for _ in range(3)
    ]
    await asyncio.sleep(1.5)  # all have imported what they need and wait for the word
    answers = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))

    assert [err.decode() for _, err in answers] == ["", "", ""]
    assert sorted(out.decode().strip() for out, _ in answers) == ["['core.0001_initial', 'core.0002_slow']", "[]", "[]"]


async def test_migrating_beside_an_open_database_leaves_that_one_alone(store: Store, workshop: Workshop) -> None:
    serving, other = store.empty(), store.empty()
    core = workshop.app("core", CORE)
    await make_migrations([core], "core")
    await migrate(serving, [core])
    await fill(serving, [core])

    await open_database(serving, [core])
    await migrate(other, [core])
    rows = await fetch_all("SELECT name FROM core_user")
    model = sys.modules[str(core.models)].User
    names = await model.all().values_list("name", flat=True)
    await close_database()

    assert rows == [{"name": "A"}]
    assert names == ["A"]


@pytest.mark.parametrize("store_server", ["sqlite"], indirect=True)  # PostgreSQL is backed up by its operator
async def test_filled_sqlite_file_is_copied_before_anything_is_applied(store: Store, workshop: Workshop) -> None:
    url, core, copies = store.empty(), workshop.app("core", CORE), workshop.folder / "copies"
    await make_migrations([core], "core")
    await migrate(url, [core], backup_dir=copies)
    assert not copies.exists()
    await fill(url, [core])

    await migrate(url, [core], backup_dir=copies)
    assert not copies.exists()
    workshop.write_migration(core, "0002_wider_name", WIDER_NAME)
    await migrate(url, [core], backup_dir=copies)

    [copy] = copies.iterdir()
    assert copy.name.endswith("-before-core.0002_wider_name.sqlite3")
    assert copy.stat().st_mode & 0o777 == 0o600
    assert (await read_schema(f"sqlite://{copy}"))["core_user"] != (await read_schema(url))["core_user"]
    assert await counts(f"sqlite://{copy}", [core], "core_user", "core_server") == {"core_user": 1, "core_server": 1}


async def test_generated_migration_touches_one_app_only(workshop: Workshop) -> None:
    core, zones = workshop.app("core", CORE), workshop.app("zones", ZONES)
    apps = [core, zones]

    with pytest.raises(LookupError, match="there is no app 'mail'"):
        await make_migrations(apps, "mail")
    written = await make_migrations(apps, "core")
    drifted = [await has_drifted(apps, label) for label in ("core", "zones")]
    nothing = await make_migrations(apps, "core")

    assert written is not None
    assert written.name == "0001_initial.py"
    assert (nothing, drifted) == (None, [False, True])
    folder = workshop.folder / zones.migrations.replace(".", "/")
    assert [path.name for path in folder.glob("0*.py")] == []


async def test_generated_migration_is_named_after_what_it_does(workshop: Workshop) -> None:
    core = workshop.app("core", CORE)
    await make_migrations([core], "core")
    models = workshop.folder / (str(core.models).replace(".", "/") + ".py")
    models.write_text(models.read_text().replace("port = fields", "slots = fields").replace('"port"', '"slots"'))
    del sys.modules[str(core.models)]

    written = await make_migrations([core], "core", "Rename port to slots")

    assert written is not None
    assert written.name == "0002_rename_port_to_slots.py"


async def test_lint_finds_what_would_fail_on_a_filled_database(workshop: Workshop) -> None:
    core, zones = workshop.app("core", CORE), workshop.app("zones", ZONES.replace("RESTRICT", "CASCADE"))
    await make_migrations([core, zones], "core")
    await make_migrations([core, zones], "zones")
    workshop.write_migration(
        core,
        "0002_columns",
        """
        dependencies = [("core", "0001_initial")]
        operations = [
            ops.AddField(model_name="User", name="age", field=fields.IntField(default=0)),
            ops.AddField(model_name="User", name="size", field=fields.IntField(db_default=0)),
            ops.AddField(model_name="User", name="note", field=fields.TextField(null=True)),
        ]
        """,
    )

    assert lint_migrations(core) == [
        "0002_columns: User.age is added without null=True or db_default=; rows that exist have no value for it"
    ]
    assert lint_migrations(zones) == [
        "0001_initial: Zone.owner points to another app with CASCADE; use RESTRICT or SET_NULL"
    ]
