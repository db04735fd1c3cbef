"""Encrypting every stored secret anew after the panel's key was changed.

Cipher texts are found by their form, in every table of the store: in columns of text, inside JSON, in bytes; also in
tables of plugins that are not loaded. Each is replaced on its own, and only if it is still what was read; so a crash
loses nothing, processes may go on writing meanwhile, and running it again does what is left.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from muntin.database import database_dialect, execute, fetch_all
from muntin.encryption import CIPHER_TEXT, VERSION, CannotDecrypt, Encryption

BATCH = 500
_MARKS = {"sqlite": f"*{VERSION}.{'[0-9a-f]' * 8}.*", "postgres": f"{VERSION}\\.[0-9a-f]{{8}}\\."}
"""How each database recognises a cell worth reading."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that may hold cipher texts; `kind` is how it is read: `text`, `json`, `jsonb` or `bytes`."""

    table: str
    name: str
    kind: str


@dataclass(slots=True)
class Tally:
    """What was found, by table and column (`core_account.two_factor_secret`)."""

    current: dict[str, int] = field(default_factory=dict)  # made by the newest key already
    renewed: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)  # an older key made them; only when nothing is changed
    unreadable: dict[str, int] = field(default_factory=dict)  # no key fits: they were lost before


async def count_values(encryption: Encryption) -> Tally:
    """Look, and change nothing."""
    tally = Tally()
    for column in await _columns():
        async for _row, text in _cells(column):
            for found in CIPHER_TEXT.findall(text):
                _count(_kind(encryption, found, tally), column)
    return tally


async def encrypt_all_anew(encryption: Encryption) -> Tally:
    """Replace every value that an older key made; may be broken off at any time and begun again."""
    tally = Tally()
    for column in await _columns():
        async for row, text in _cells(column):
            await _renew(encryption, column, row, text, tally)
    return tally


def _kind(encryption: Encryption, found: str, tally: Tally) -> dict[str, int]:
    if encryption.is_current(found):
        return tally.current
    return tally.waiting if _renewed(encryption, found) else tally.unreadable


async def _renew(encryption: Encryption, column: Column, row: Any, text: str, tally: Tally) -> None:
    changed = 0

    def replacement(match: re.Match[str]) -> str:
        nonlocal changed
        if encryption.is_current(match[0]):
            _count(tally.current, column)
            return match[0]
        renewed = _renewed(encryption, match[0])
        if renewed is None:
            _count(tally.unreadable, column)
            return match[0]
        changed += 1
        return renewed

    replaced = CIPHER_TEXT.sub(replacement, text)
    if changed and await execute(_UPDATES[database_dialect()](column), [*_values(column, replaced), row, text]):
        for _each in range(changed):
            _count(tally.renewed, column)


def _renewed(encryption: Encryption, found: str) -> str | None:
    try:
        return encryption.encrypt_anew(found)
    except CannotDecrypt:
        return None


def _count(counts: dict[str, int], column: Column) -> None:
    name = f"{column.table}.{column.name}"
    counts[name] = counts.get(name, 0) + 1


def _values(column: Column, text: str) -> list[object]:
    return [text.encode()] if column.kind == "bytes" else [text]


async def _columns() -> list[Column]:
    """Whatever may hold text, in every table of the store."""
    if database_dialect() == "postgres":
        rows = await fetch_all(_POSTGRES_COLUMNS)
        kinds = {"json": "json", "jsonb": "jsonb", "bytea": "bytes"}
        return [Column(row["t"], row["c"], kinds.get(row["kind"], "text")) for row in rows]
    rows = await fetch_all(_SQLITE_COLUMNS)
    return [Column(row["t"], row["c"], "bytes" if row["kind"].upper() == "BLOB" else "text") for row in rows]


async def _cells(column: Column) -> AsyncIterator[tuple[Any, str]]:
    """Every cell of the column that looks as if it held a cipher text: how to find its row again, and its text."""
    dialect = database_dialect()
    select, place, mark = _SELECTS[dialect](column), _FIRST[dialect], _MARKS[dialect]
    while rows := await fetch_all(select, [place, mark, BATCH]):
        for row in rows:
            yield row["place"], row["text"]
        place = rows[-1]["place"]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _sqlite_select(column: Column) -> str:
    name = f"CAST({_quoted(column.name)} AS TEXT)"
    return f"""SELECT rowid AS place, {name} AS text FROM {_quoted(column.table)}
               WHERE rowid > ? AND {name} GLOB ? ORDER BY rowid LIMIT ?"""  # noqa: S608 - names of the catalogue


def _sqlite_update(column: Column) -> str:
    name = _quoted(column.name)
    return f"UPDATE {_quoted(column.table)} SET {name} = ? WHERE rowid = ? AND CAST({name} AS TEXT) = ?"  # noqa: S608


def _postgres_text(column: Column) -> str:
    name = _quoted(column.name)
    return f"encode({name}, 'escape')" if column.kind == "bytes" else f"{name}::text"


def _postgres_select(column: Column) -> str:
    text = _postgres_text(column)
    return f"""SELECT ctid::text AS place, {text} AS text FROM {_quoted(column.table)}
               WHERE ctid > (?::text)::tid AND {text} ~ ? ORDER BY ctid LIMIT ?"""  # noqa: S608


def _postgres_update(column: Column) -> str:
    cast = {"json": "::text::json", "jsonb": "::text::jsonb", "bytes": "::bytea", "text": "::text"}[column.kind]
    where = f"WHERE ctid = (?::text)::tid AND {_postgres_text(column)} = ?"
    return f"UPDATE {_quoted(column.table)} SET {_quoted(column.name)} = ?{cast} {where}"  # noqa: S608


_SELECTS = {"sqlite": _sqlite_select, "postgres": _postgres_select}
_UPDATES = {"sqlite": _sqlite_update, "postgres": _postgres_update}
_FIRST: Mapping[str, object] = {"sqlite": 0, "postgres": "(0,0)"}
_SQLITE_COLUMNS = """
SELECT t.name AS t, c.name AS c, c.type AS kind FROM sqlite_master t JOIN pragma_table_info(t.name) c
WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'
  AND (c.type LIKE '%CHAR%' OR c.type LIKE '%TEXT%' OR c.type LIKE '%JSON%' OR c.type LIKE '%BLOB%' OR c.type = '')
ORDER BY t.name, c.cid
"""
_POSTGRES_COLUMNS = """
SELECT c.table_name AS t, c.column_name AS c, c.data_type AS kind
FROM information_schema.columns c JOIN information_schema.tables t
  ON t.table_schema = c.table_schema AND t.table_name = c.table_name AND t.table_type = 'BASE TABLE'
WHERE c.table_schema = current_schema()
  AND c.data_type IN ('text', 'character varying', 'json', 'jsonb', 'bytea')
ORDER BY c.table_name, c.ordinal_position
"""
