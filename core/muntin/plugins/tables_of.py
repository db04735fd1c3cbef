"""The tables of a plugin as the database knows them: found, read and dropped without any of the plugin's code."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from muntin.configuration import Configuration
from muntin.database import database_dialect, execute, fetch_all, transaction
from muntin.database.migrations import sqlite_file
from muntin.plugins.models import PluginRow

BATCH = 500
_POSTGRES_REFERENCES = """
SELECT f.relname AS child, t.relname AS parent FROM pg_constraint c
JOIN pg_class f ON f.oid = c.conrelid JOIN pg_class t ON t.oid = c.confrelid WHERE c.contype = 'f'
"""


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `kind` as the database calls it, in lower case."""

    name: str
    kind: str


async def tables_of(plugin: str) -> list[str]:
    """Names of the tables that begin with the plugin's name, and with that of no longer-named other plugin."""
    others = [str(name) for name in await PluginRow.all().values_list("name", flat=True)]
    longer = tuple(f"{name}_" for name in others if name.startswith(f"{plugin}_"))
    names = [name for name in await _all_tables() if name == plugin or name.startswith(f"{plugin}_")]
    return sorted(name for name in names if not (longer and name.startswith(longer)))


async def other_tables(plugin: str) -> list[str]:
    """Every table that is not the plugin's."""
    own = set(await tables_of(plugin))
    return sorted(name for name in await _all_tables() if name not in own)


async def referring(tables: Sequence[str]) -> list[str]:
    """Tables of others whose rows point to rows of these."""
    own = set(tables)
    return sorted({child for child, parent in await _references() if parent in own and child not in own})


async def columns_of(table: str) -> list[Column]:
    """The columns, in order."""
    if database_dialect() == "sqlite":
        rows = await fetch_all(f"PRAGMA table_info({quoted(table)})")
        return [Column(row["name"], str(row["type"]).lower()) for row in rows]
    rows = await fetch_all(
        "SELECT column_name AS name, data_type AS type FROM information_schema.columns "
        "WHERE table_schema = current_schema() AND table_name = ? ORDER BY ordinal_position",
        [table],
    )
    return [Column(row["name"], str(row["type"]).lower()) for row in rows]


async def count_rows(table: str) -> int:
    """How many rows there are."""
    [row] = await fetch_all(f"SELECT COUNT(*) AS found FROM {quoted(table)}")  # noqa: S608 - quoted, from the catalogue
    return int(row["found"])


async def rows_of(table: str, columns: Sequence[Column]) -> AsyncIterator[dict[str, Any]]:
    """Every row, read in batches, ordered by the first column."""
    first = quoted(columns[0].name)
    begun = 0
    while True:
        batch = await fetch_all(
            f"SELECT * FROM {quoted(table)} ORDER BY {first} LIMIT {BATCH} OFFSET {begun}"  # noqa: S608 - as above
        )
        for row in batch:
            yield row
        if len(batch) < BATCH:
            return
        begun += BATCH


async def drop_tables(configuration: Configuration, tables: Sequence[str]) -> None:
    """Drop these tables together, whichever way they point to one another."""
    if not tables:
        return
    file = sqlite_file(configuration.store_url)
    if file is None:
        async with transaction():
            await execute(f"DROP TABLE {', '.join(map(quoted, tables))}")
        return
    await asyncio.to_thread(_drop_on_sqlite, str(file), tables)


def _drop_on_sqlite(file: str, tables: Iterable[str]) -> None:
    """On a connection of its own, which does not look at foreign keys: else the order would matter."""
    with closing(sqlite3.connect(file, timeout=30, isolation_level=None)) as database:
        database.execute("PRAGMA foreign_keys=OFF")
        database.execute("BEGIN IMMEDIATE")
        for table in tables:
            database.execute(f"DROP TABLE IF EXISTS {quoted(table)}")
        database.execute("COMMIT")


async def _all_tables() -> list[str]:
    if database_dialect() == "sqlite":
        rows = await fetch_all("SELECT name FROM sqlite_master WHERE type = 'table'")
    else:
        rows = await fetch_all("SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()")
    return [str(row["name"]) for row in rows]


async def _references() -> list[tuple[str, str]]:
    """(table, table it points to) of every foreign key."""
    if database_dialect() != "sqlite":
        return [(str(row["child"]), str(row["parent"])) for row in await fetch_all(_POSTGRES_REFERENCES)]
    found = []
    for table in await _all_tables():
        rows = await fetch_all(f"PRAGMA foreign_key_list({quoted(table)})")
        found += [(table, str(row["table"])) for row in rows]
    return found


def quoted(name: str) -> str:
    """A name for SQL."""
    return '"' + name.replace('"', '""') + '"'
