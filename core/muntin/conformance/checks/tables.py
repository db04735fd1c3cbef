"""Tables and migrations, on an empty store of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

from tortoise.context import TortoiseContext
from tortoise.fields.relational import ForeignKeyFieldInstance

from muntin.conformance.finding import Finding, Rule
from muntin.conformance.loaded import Loaded, models_of
from muntin.contributions import Models
from muntin.database import App, tortoise_config
from muntin.database.migrations import MigrationFailed, StillNeeded, has_drifted, lint_migrations, migrate, purge
from muntin.testing.schemas import TableOnDisk, differences, read_schema

PREFIX_RULE = Rule(
    "table-prefix",
    "error",
    "Tables are told apart by the plugin's name in front; purging and backups go by it.",
    'Name the table in Meta: table = "<plugin>_<thing>".',
)
KEY_RULE = Rule(
    "foreign-key-cascade",
    "error",
    "The database deletes the rows even while the plugin is disabled or absent, and nobody is asked.",
    "Let foreign keys out of the plugin be RESTRICT or SET_NULL, and object with muntin_may_delete.",
)
DRIFT_RULE = Rule(
    "migration-missing",
    "error",
    "The tables that operators get are not the ones that the models describe.",
    "Run `muntin plugin makemigrations <plugin>` and ship the file.",
)
FAILS_RULE = Rule(
    "migration-fails",
    "error",
    "The panel does not start the plugin when a migration fails.",
    "Mend the migration; it must run on an empty store and on a filled one.",
)
DOWN_RULE = Rule(
    "migration-irreversible",
    "error",
    "Purging and going back to an older version undo migrations; what they leave behind breaks the next installation.",
    "Give every operation a way back (RunPython and RunSQL take a reverse).",
)
LINT_RULE = Rule(
    "migration-unsafe",
    "error",
    "It works on an empty store and fails, or loses rows, on a filled one.",
    "Follow the remedy in the sentence.",
)


async def check(loaded: Loaded, folder: Path) -> AsyncIterator[Finding]:
    """Models, migrations up, down and up again, and whether both lead to the same tables.

    The panel's own store is migrated, so that the checks of the open panel find it so.
    """
    if not loaded.of(Models):
        return
    apps = loaded.panel.apps
    own = next(one for one in apps if one.label == loaded.of(Models)[0].label)
    for finding in _models(loaded, own):
        yield finding
    try:
        problems = lint_migrations(own)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the migrations are foreign code
        yield FAILS_RULE.at(own.migrations, f"{type(error).__name__}: {error}")
        return
    for problem in problems:
        rule = KEY_RULE if "points to another app" in problem else LINT_RULE
        yield rule.at(own.migrations, problem)
    async for finding in _up_down_up(apps, own, loaded.panel.configuration.store_url, folder):
        yield finding


def _models(loaded: Loaded, own: App) -> Iterator[Finding]:
    for model in models_of(loaded):
        table = model._meta.db_table or model.__name__.lower()
        if not table.startswith(f"{loaded.name}_"):
            yield PREFIX_RULE.at(loaded.line_of(model), f"The table is called {table!r}.")
        for name, field in model._meta.fields_map.items():
            if not isinstance(field, ForeignKeyFieldInstance) or not isinstance(field.model_name, str):
                continue
            foreign = field.model_name.split(".", 1)[0] != own.label
            if foreign and field.on_delete.value not in {"RESTRICT", "SET NULL", "NO ACTION"}:
                yield KEY_RULE.at(loaded.line_of(model), f"{model.__name__}.{name} is {field.on_delete.value}.")


async def _up_down_up(apps: Sequence[App], own: App, url: str, folder: Path) -> AsyncIterator[Finding]:
    rest = [one for one in apps if one.label != own.label]
    await migrate(url, rest)
    before = await read_schema(url)
    try:
        await migrate(url, apps)
    except Exception as error:  # noqa: BLE001 - the migrations are foreign code; reading them may raise anything
        where = error.migration if isinstance(error, MigrationFailed) else own.migrations
        yield FAILS_RULE.at(where, str(error.__cause__ or error))
        return
    first = await read_schema(url)
    if await has_drifted(apps, own.label):
        yield DRIFT_RULE.at(own.migrations, "The models have changed since the last migration, or there is none.")
    elif unlike := differences(first, await _modelled(apps, folder)):
        yield DRIFT_RULE.at(own.migrations, f"Migrations (first) and models (second) differ: {'; '.join(unlike[:3])}.")
    try:
        await purge(url, apps, own.label)
        left = differences(await read_schema(url), before)
        await migrate(url, apps)
        again = differences(await read_schema(url), first)
    except (MigrationFailed, StillNeeded) as error:
        yield DOWN_RULE.at(own.migrations, str(error.__cause__ or error))
        return
    if left:
        yield DOWN_RULE.at(own.migrations, f"After undoing everything this is left: {'; '.join(left[:3])}")
    elif again:
        yield DOWN_RULE.at(own.migrations, f"Up, down and up again gives other tables: {'; '.join(again[:3])}")


async def _modelled(apps: Sequence[App], folder: Path) -> dict[str, TableOnDisk]:
    """What Tortoise makes straight from the models."""
    url = f"sqlite://{folder / 'modelled.sqlite3'}?busy_timeout=5000&synchronous=OFF"
    async with TortoiseContext() as context:
        await context.init(config=tortoise_config(url, apps))
        await context.generate_schemas()
    return await read_schema(url)
