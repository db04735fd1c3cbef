"""Writing the migration that leads from the files there are to the models as they are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from tortoise.context import TortoiseContext
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.writer import MigrationWriter, format_migration_name

from muntin.database.apps import App
from muntin.database.connection import tortoise_config


async def make_migrations(apps: Sequence[App], label: str, name: str | None = None) -> Path | None:
    """Write the next migration of one app; the file, None when the models have not changed.

    The models are loaded into this process, so this is a command of its own, never part of a serving process.

    Args:
        apps: Every app there is; models point to one another.
        label: The app to write for. That others drifted is not its business.
        name: What the migration does, in a few words; numbered by this function.

    Raises:
        LookupError: There is no app of that label.
    """
    if label not in {app.label for app in apps}:
        raise LookupError(f"there is no app {label!r}")
    writer = await _next_migration(apps, label)
    if writer is None:
        return None
    if name and not writer.initial:
        writer.name = format_migration_name(int(writer.name.split("_", 1)[0]), name)
    return await asyncio.to_thread(writer.write)


async def has_drifted(apps: Sequence[App], label: str) -> bool:
    """Whether the models of an app changed since its last migration; what a check in CI asks."""
    return await _next_migration(apps, label) is not None


async def _next_migration(apps: Sequence[App], label: str) -> MigrationWriter | None:
    config = tortoise_config("sqlite://:memory:", apps)
    async with TortoiseContext() as context:
        await context.init(config=config)
        if context.apps is None:
            raise RuntimeError("Tortoise loaded no models")
        writers = await MigrationAutodetector(context.apps, config["apps"]).changes()
    return next((writer for writer in writers if writer.app_label == label), None)
