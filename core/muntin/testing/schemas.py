"""What a database itself says of its tables: for comparing it before and after, or with the models."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

HISTORY = "tortoise_migrations"

_COLUMNS = """
SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default
FROM information_schema.columns WHERE table_schema = 'public'
"""
_INDEXES = """
SELECT table_.relname AS table_name, index_.indisunique AS is_unique,
       array_agg(column_.attname::text ORDER BY place.at) AS columns
FROM pg_index index_
JOIN pg_class table_ ON table_.oid = index_.indrelid
JOIN pg_namespace space ON space.oid = table_.relnamespace AND space.nspname = 'public'
CROSS JOIN LATERAL unnest(index_.indkey) WITH ORDINALITY AS place(number, at)
LEFT JOIN pg_attribute column_ ON column_.attrelid = table_.oid AND column_.attnum = place.number
GROUP BY table_.relname, index_.indexrelid, index_.indisunique
"""
_KEYS = """
SELECT conrelid::regclass::text AS table_name, pg_get_constraintdef(oid) AS definition
FROM pg_constraint WHERE contype = 'f'
"""


@dataclass(frozen=True, slots=True)
class TableOnDisk:
    """One table; names of indexes and constraints are left out, since they tell nothing of what they do."""

    columns: frozenset[tuple[Any, ...]]  # name, type, whether it may be null, default, and more
    indexes: frozenset[tuple[tuple[str | None, ...], bool]]  # columns in order, whether unique
    foreign_keys: frozenset[tuple[Any, ...]]


def sqlite_path(url: str) -> Path:
    """The file of a `sqlite://` address."""
    return Path(url.removeprefix("sqlite://").split("?", 1)[0])


async def read_schema(url: str) -> dict[str, TableOnDisk]:
    """Table name -> its form; the history of migrations is not among them."""
    tables = _of_sqlite(url) if url.startswith("sqlite:") else await _of_postgres(url)
    tables.pop(HISTORY, None)
    return tables


def differences(one: dict[str, TableOnDisk], other: dict[str, TableOnDisk]) -> list[str]:
    """What distinguishes two schemas, a line each; empty when nothing does."""
    found = [f"{table}: only in the first" for table in sorted(one.keys() - other.keys())]
    found += [f"{table}: only in the second" for table in sorted(other.keys() - one.keys())]
    for table in sorted(one.keys() & other.keys()):
        for kind in ("columns", "indexes", "foreign_keys"):
            here, there = getattr(one[table], kind), getattr(other[table], kind)
            found += [f"{table}.{kind}: only in the first: {item}" for item in _sorted(here - there)]
            found += [f"{table}.{kind}: only in the second: {item}" for item in _sorted(there - here)]
    return found


def _sorted(items: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(items, key=repr)


def _of_sqlite(url: str) -> dict[str, TableOnDisk]:
    with closing(sqlite3.connect(sqlite_path(url))) as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        return {name: _sqlite_table(database, name) for (name,) in names.fetchall()}


def _sqlite_table(database: sqlite3.Connection, table: str) -> TableOnDisk:
    indexes = set()
    for _, name, unique, *_rest in database.execute(f'PRAGMA index_list("{table}")').fetchall():
        columns = tuple(row[2] for row in database.execute(f'PRAGMA index_info("{name}")'))
        indexes.add((columns, bool(unique)))
    return TableOnDisk(
        columns=frozenset(tuple(row[1:]) for row in database.execute(f'PRAGMA table_info("{table}")')),
        indexes=frozenset(indexes),
        foreign_keys=frozenset(tuple(row[2:7]) for row in database.execute(f'PRAGMA foreign_key_list("{table}")')),
    )


async def _of_postgres(url: str) -> dict[str, TableOnDisk]:
    database = await asyncpg.connect("postgresql" + url.removeprefix("asyncpg"))
    try:
        columns, indexes, keys = [await database.fetch(sql) for sql in (_COLUMNS, _INDEXES, _KEYS)]
    finally:
        await database.close()
    return {
        table: TableOnDisk(
            columns=frozenset(tuple(row)[1:] for row in columns if row["table_name"] == table),
            indexes=frozenset((tuple(row["columns"]), row["is_unique"]) for row in indexes if row[0] == table),
            foreign_keys=frozenset((row["definition"],) for row in keys if row["table_name"] == table),
        )
        for table in {row["table_name"] for row in columns}
    }
