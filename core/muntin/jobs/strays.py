"""What the journal remembers of jobs that are gone: a worker forgets it after a day, a purge at once."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from uuid import UUID

from muntin.database import fetch_all
from muntin.jobs.journal import sqlite_path
from muntin.jobs.models import JobRow
from muntin.runtime import panel

__all__ = ["forget_strays"]


async def forget_strays() -> int:
    """Delete what the journal holds of jobs that are not in the table any more; how many runs that were."""
    url, data_dir = panel().configuration.store_url, panel().configuration.data_dir
    if not await _is_there(url, data_dir):
        return 0
    from muntin.jobs import dbos_journal  # a second of imports, for workers and purges alone

    return await dbos_journal.forget_strays(_known, store_url=url, data_dir=data_dir)


async def _known(ids: Collection[UUID]) -> set[UUID]:
    return {UUID(str(one)) for one in await JobRow.filter(id__in=list(ids)).values_list("id", flat=True)}


async def _is_there(store_url: str, data_dir: Path) -> bool:
    """Whether a worker ever began a journal here."""
    if not store_url.startswith("sqlite:"):
        return bool(await fetch_all("SELECT 1 WHERE to_regclass('dbos.workflow_status') IS NOT NULL"))
    return await asyncio.to_thread(_holds_runs, sqlite_path(data_dir))


def _holds_runs(path: Path) -> bool:
    if not path.exists():
        return False
    with closing(sqlite3.connect(path, timeout=30)) as database:
        return bool(database.execute("SELECT 1 FROM sqlite_master WHERE name = 'workflow_status'").fetchall())
