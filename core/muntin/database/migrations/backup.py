"""A copy of a SQLite database, made while others may be writing to it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

KEEP = 5
"""Copies made before migrations that are kept; the oldest go first."""


async def backup_sqlite(database: Path, target: Path) -> None:
    """Copy a database into a new file that only its owner may read, complete and consistent.

    Raises:
        sqlite3.Error, OSError: There is no (whole) copy; what was begun of it is deleted.
    """
    await asyncio.to_thread(_copy, database, target)


async def backup_before(database: Path, folder: Path, migration: str, stamp: str) -> Path:
    """Copy the database before a migration; the copy. Of older such copies the newest few stay."""
    target = folder / f"{database.stem}-{stamp}-before-{migration}.sqlite3"
    await backup_sqlite(database, target)
    await asyncio.to_thread(_drop_old, folder, f"{database.stem}-*-before-*.sqlite3")
    return target


def _drop_old(folder: Path, names: str) -> None:
    for old in sorted(folder.glob(names))[:-KEEP]:
        old.unlink()


def _copy(database: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(draft)) as copy:
            source.backup(copy)
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
