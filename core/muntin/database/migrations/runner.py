"""Bringing a store's tables up to date, and taking those of a purged plugin away."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from tortoise.context import TortoiseContext
from tortoise.migrations.executor import PlanStep
from tortoise.migrations.graph import MigrationKey
from tortoise.migrations.operations import AddConstraint, AddField, AddIndex, CreateModel

from muntin.database.apps import App
from muntin.database.connection import CONNECTION, tortoise_config
from muntin.database.migrations.backup import backup_before
from muntin.database.migrations.executor import Executor, StillNeeded
from muntin.database.migrations.history import AppliedMigration
from muntin.database.migrations.lock import single_migrator

ADDITIVE = (CreateModel, AddField, AddIndex, AddConstraint)
"""Operations that take nothing away, so that nothing is missing after they are undone."""

_log = logging.getLogger(__name__)
_HISTORY = {"migrating": {"models": [AppliedMigration.__module__], "default_connection": CONNECTION}}


class MigrationFailed(Exception):
    """A migration did not run; the store is as it was before it, earlier ones stay applied.

    `migration` is "label.name".
    """

    def __init__(self, migration: str, cause: BaseException) -> None:
        super().__init__(f"migration {migration} failed: {type(cause).__name__}: {cause}")
        self.migration = migration


async def migrate(store_url: str, apps: Sequence[App], *, backup_dir: Path | None = None) -> list[str]:
    """Apply everything that is not applied yet; "label.name" of what was, in order.

    Processes that do this at the same time take turns; the second finds nothing left to do.

    Args:
        apps: The core's and those of every present plugin. Tables of others are left alone.
        backup_dir: Where a filled SQLite file is copied to first; `backups` beside it when None.

    Raises:
        MigrationFailed: One of them cannot run.
    """
    async with _session(store_url, apps) as executor:
        applied = await executor.prepare()
        plan = await executor.forward_plan()
        if plan and applied:
            await _back_up(store_url, backup_dir, plan)
        return await _run(executor, plan, applied)


async def pending(store_url: str, apps: Sequence[App]) -> list[str]:
    """What `migrate` would apply, in order."""
    async with _session(store_url, apps) as executor:
        await executor.prepare()
        return [_name(step) for step in await executor.forward_plan()]


async def purge(store_url: str, apps: Sequence[App], label: str, *, backup_dir: Path | None = None) -> list[str]:
    """Delete an app's tables with all they hold; "label.name" of the migrations undone, newest first.

    Run while the plugin can still be imported.

    Raises:
        StillNeeded: Another app's tables build on these.
        MigrationFailed: One of the migrations cannot be undone.
    """
    async with _session(store_url, apps) as executor:
        applied = await executor.prepare()
        plan = executor.uninstall_plan(label, applied)
        if plan:
            await _back_up(store_url, backup_dir, plan)
        return await _run(executor, plan, applied)


async def undo(store_url: str, apps: Sequence[App], names: Collection[str]) -> list[str]:
    """Undo migrations ("label.name") that were applied; those that were undone, newest first.

    Rows that were written meanwhile stay, but not what stood in columns and tables that go.

    Raises:
        MigrationFailed: One of them cannot be undone; later ones are.
    """
    async with _session(store_url, apps) as executor:
        applied = await executor.prepare()
        return await _run(executor, executor.undo_plan(names, applied), applied)


async def lossy(store_url: str, apps: Sequence[App]) -> list[str]:
    """Those of the pending migrations that take something away, which undoing them would not bring back."""
    async with _session(store_url, apps) as executor:
        await executor.prepare()
        steps = await executor.forward_plan()
    return [_name(step) for step in steps if not all(isinstance(one, ADDITIVE) for one in step.migration.operations)]


def sqlite_file(store_url: str) -> Path | None:
    """The file of a SQLite store, None for any other."""
    if not store_url.startswith("sqlite:"):
        return None
    return Path(store_url.removeprefix("sqlite://").split("?", 1)[0])


@asynccontextmanager
async def _session(store_url: str, apps: Sequence[App]) -> AsyncIterator[Executor]:
    """A connection of its own, beside the one a serving process may have, without loading the models of the apps."""
    config = tortoise_config(store_url, apps, migrating=True)
    file = sqlite_file(store_url)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    async with TortoiseContext() as context:
        await context.init(config={"connections": config["connections"], "apps": _HISTORY})
        async with single_migrator(file):
            yield Executor(context.db(CONNECTION), config["apps"])


async def _run(executor: Executor, plan: Sequence[PlanStep], applied: set[MigrationKey]) -> list[str]:
    done = []
    for step in plan:
        name = _name(step)
        _log.info("%s migration %s", "undoing" if step.backward else "applying", name)
        try:
            await executor.run(step, applied)
        except Exception as error:
            raise MigrationFailed(name, error) from error
        key = MigrationKey(app_label=step.migration.app_label, name=step.migration.name)
        applied.discard(key) if step.backward else applied.add(key)
        done.append(name)
    return done


async def _back_up(store_url: str, backup_dir: Path | None, plan: Sequence[PlanStep]) -> None:
    file = sqlite_file(store_url)
    if file is None:
        return
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    copy = await backup_before(file, backup_dir or file.parent / "backups", _name(plan[0]), stamp)
    _log.info("copied the database to %s", copy)


def _name(step: PlanStep) -> str:
    return f"{step.migration.app_label}.{step.migration.name}"


__all__ = ["MigrationFailed", "StillNeeded", "migrate", "pending", "purge", "sqlite_file", "undo"]
