"""The form of the tables, brought up to date before any process serves.

Tortoise's own migrations behind a runner that is safe where the stock one is not: on SQLite it keeps child rows,
indexes and uniques when a table is remade; one process migrates at a time; a migration and the note that it ran are one
transaction; a filled SQLite file is copied first. One app per plugin, always all apps together: `migrate` with the apps
of the plugins that are present leaves the tables of absent ones alone.
"""

from muntin.database.migrations.backup import backup_sqlite
from muntin.database.migrations.generation import has_drifted, make_migrations
from muntin.database.migrations.lint import lint_migrations
from muntin.database.migrations.runner import MigrationFailed, StillNeeded, migrate, pending, purge, sqlite_file, undo

__all__ = [
    "MigrationFailed",
    "StillNeeded",
    "backup_sqlite",
    "has_drifted",
    "lint_migrations",
    "make_migrations",
    "migrate",
    "pending",
    "purge",
    "sqlite_file",
    "undo",
]
