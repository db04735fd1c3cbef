"""Do the migrations lead to the tables that the models describe? Asked of freshly made databases.

Two databases are made: one by the migrations, one by Tortoise straight from the models (`generate_schemas`, which
shares no code with migrations). Then two pairs of eyes compare them:

- `aerich inspectdb`, which nobody here wrote: columns, types, lengths, nullability, defaults, primary keys; on SQLite
  also indexes and uniques. It **cannot** see an index or unique of several columns (of these SQLite's reader keeps the
  first column only, and of several indexes on it the last), on PostgreSQL it sees no index or unique at all ("can't get
  this simply", it says), and nowhere a foreign key.
- the database's own catalogue (`muntin.testing.schemas`), for exactly that.

For tests only: aerich is not among the panel's dependencies.
"""

from __future__ import annotations

from collections.abc import Sequence

from aerich.inspectdb import Inspect
from aerich.inspectdb.postgres import InspectPostgres
from aerich.inspectdb.sqlite import InspectSQLite
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.context import TortoiseContext

from muntin.database import App, tortoise_config
from muntin.database.connection import CONNECTION
from muntin.database.migrations import migrate
from muntin.testing.schemas import HISTORY, differences, read_schema

_SPECIAL_FIELDS = {"CHAR": "UUIDField"}  # what Tortoise stores identifiers in on SQLite; aerich does not know it


async def drift(migrated_url: str, modelled_url: str, apps: Sequence[App]) -> list[str]:
    """What distinguishes the migrated tables from the modelled ones, a line each; empty is good.

    Args:
        migrated_url: An empty database; gets its tables from the migrations.
        modelled_url: Another one, of the same kind; gets them from the models.
    """
    await migrate(migrated_url, apps)
    modelled = await _seen_by_aerich(modelled_url, apps, make=True)
    migrated = await _seen_by_aerich(migrated_url, apps)
    found = [f"aerich: only in the migrated database: {line}" for line in sorted(migrated - modelled)]
    found += [f"aerich: only in the modelled database: {line}" for line in sorted(modelled - migrated)]
    return found + differences(await read_schema(migrated_url), await read_schema(modelled_url))


async def _seen_by_aerich(url: str, apps: Sequence[App], *, make: bool = False) -> set[str]:
    async with TortoiseContext() as context:
        await context.init(config=tortoise_config(url, apps))
        if make:
            await context.generate_schemas()
        return await _inspect(context.db(CONNECTION))


async def _inspect(connection: BaseDBAsyncClient) -> set[str]:
    """Every line of aerich's description, with the table it belongs to."""
    inspector = _inspector(connection)
    inspector.tables = sorted({*await inspector.get_all_tables()} - {HISTORY})
    lines, model = set(), ""
    for line in (await inspector.inspect()).splitlines():
        if line.startswith("class "):
            model = line.removeprefix("class ").split("(")[0]
        elif line.strip():
            lines.add(f"{model}: {line.strip()}")
    return lines


def _inspector(connection: BaseDBAsyncClient) -> Inspect:
    if connection.capabilities.dialect == "sqlite":
        return InspectSQLite(connection, special_fields=_SPECIAL_FIELDS)
    return InspectPostgres(connection)  # type: ignore[arg-type]  # declared for the base of asyncpg's and psycopg's
