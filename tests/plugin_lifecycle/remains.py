"""Where a plugin's name is still found: in every column of every table of every store, and in every file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from muntin.database import fetch_all
from muntin.plugins.tables_of import other_tables, quoted

BACKUPS = "backups"
"""Copies that the operator's panel made of its whole store: a purge does not rewrite them."""


async def rows_with(word: str) -> dict[str, int]:
    """Rows of the open store that hold the word, by table; tables and indexes that are called so count as well."""
    found = {}
    for table in await other_tables("none"):
        rows = await fetch_all(f"SELECT * FROM {quoted(table)}")
        found[table] = sum(word in str(row) for row in rows) + (word in table)
    return {table: count for table, count in found.items() if count}


def left_of(word: str, folder: Path) -> dict[str, int]:
    """Rows of the SQLite stores in a data dir, by table, and files, by path, that hold the word.

    Left out are backups, the report of the purge itself, which is about the plugin, and what a test wrote there as log.
    """
    found: dict[str, int] = {}
    for store in folder.rglob("*.sqlite3"):
        if BACKUPS not in store.parts:
            for place, count in _in_store(word, store):
                found[place] = found.get(place, 0) + count
    return {**found, **dict.fromkeys(_files(word, folder), 1)}


def runs_without_a_job(folder: Path) -> int:
    """Runs that the journal remembers of jobs that are gone."""
    with closing(_opened(folder / "jobs.sqlite3")) as journal:
        runs = {str(run).partition(".")[0] for (run,) in journal.execute("SELECT workflow_uuid FROM workflow_status")}
    with closing(_opened(folder / "muntin.sqlite3")) as store:
        jobs = {str(job) for (job,) in store.execute("SELECT id FROM core_job")}
    return len(runs - jobs)


def _in_store(word: str, store: Path) -> Iterator[tuple[str, int]]:
    with closing(_opened(store)) as database:
        made = database.execute("SELECT name, type FROM sqlite_master").fetchall()
        yield from ((str(name), 1) for name, _kind in made if word in name)
        for table in [name for name, kind in made if kind == "table"]:
            rows = sum(word in str(row) for row in database.execute(f'SELECT * FROM "{table}"'))
            if rows:
                yield str(table), rows


def _files(word: str, folder: Path) -> Iterator[str]:
    reports = sorted((folder / "plugins" / "reports").glob("*.json"), key=lambda one: one.stat().st_mtime)
    for path in folder.rglob("*"):
        within = path.relative_to(folder)
        if BACKUPS in within.parts or path.suffix == ".log" or ".sqlite3" in path.name or path in reports[-1:]:
            continue
        if word in str(within) or (path.is_file() and word.encode() in path.read_bytes()):
            yield str(within)


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
