"""Migrating and undoing with the code of a generation that this panel's processes do not use (yet).

`python -m muntin.plugins.installing.store_process` reads one JSON object `{"action", ...}` from its standard input and
writes one to its standard output. `MUNTIN_GENERATION` says which generation it works with.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import pkgutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from muntin.configuration import Configuration
from muntin.database.migrations import (
    MigrationFailed,
    migrate,
    sqlite_file,
    undo,
)
from muntin.database.migrations.runner import lossy
from muntin.panel import Panel


async def _migrate(panel: Panel) -> dict[str, Any]:
    """Apply what is not applied; says which of it cannot be undone without losing something."""
    url, apps = panel.configuration.store_url, panel.apps
    losing = await lossy(url, apps)
    backups = panel.configuration.data_dir / "backups"
    before = _copies(backups)
    try:
        applied = await migrate(url, apps, backup_dir=backups)
    except MigrationFailed as failure:
        return {"error": str(failure), "lossy": losing, "backup": _fresh(backups, before)}
    return {"applied": applied, "lossy": losing, "backup": _fresh(backups, before)}


async def _undo(panel: Panel, names: Iterable[str]) -> dict[str, Any]:
    try:
        return {"undone": await undo(panel.configuration.store_url, panel.apps, frozenset(names))}
    except MigrationFailed as failure:
        return {"error": str(failure)}


async def _restore(panel: Panel, backup: str) -> dict[str, Any]:
    """Copy a SQLite database back in place, under the processes that use it."""
    file = sqlite_file(panel.configuration.store_url)
    if file is None:
        return {"error": "only a SQLite file can be put back"}
    from contextlib import closing
    from sqlite3 import connect

    def copy() -> None:
        with closing(connect(backup)) as source, closing(connect(file, timeout=30)) as target:
            source.backup(target)

    await asyncio.to_thread(copy)
    return {"restored": backup}


def _newer(panel: Panel, plugins: Iterable[str], history: Iterable[str]) -> str:
    """Which of the plugins has tables of a form that this version of it does not know yet; empty for none."""
    packages = {app.label: app.migrations for app in panel.apps}
    for name in plugins:
        if name in packages:
            known = {one.name for one in pkgutil.iter_modules(importlib.import_module(packages[name]).__path__)}
            applied = {one.partition(".")[2] for one in history if one.startswith(f"{name}.")}
            if applied - known:
                return f"the tables of {name} were made by a newer version of it ({max(applied - known)})"
    return ""


def _copies(folder: Path) -> set[str]:
    return {str(one) for one in folder.glob("*.sqlite3")}


def _fresh(folder: Path, before: set[str]) -> str | None:
    return max(_copies(folder) - before, default=None)


def _loaded(panel: Panel, plugins: Iterable[str]) -> str:
    """Why one of the plugins is not loaded; empty when all are."""
    failed = {one.plugin: one.reason for one in panel.registry.failed}
    for name in plugins:
        if name not in panel.registry.names:
            return f"{name}: {failed.get(name, 'it is not loaded')}"
    return ""


async def _act(order: dict[str, Any]) -> dict[str, Any]:
    panel = Panel(Configuration(), process="command")
    missing = _loaded(panel, order.get("plugins", ()))
    if missing:
        return {"error": missing}
    match order["action"]:
        case "migrate":
            if newer := _newer(panel, order["plugins"], order["history"]):
                return {"error": newer}
            return await _migrate(panel)
        case "undo":
            return await _undo(panel, order["names"])
        case _:
            return await _restore(panel, order["backup"])


def main() -> None:
    """Do what standard input asks for. What plugins print goes to standard error."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    order = json.load(sys.stdin)
    json.dump(asyncio.run(_act(order)), answer)
    answer.close()


if __name__ == "__main__":
    main()
