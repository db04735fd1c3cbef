"""The throw-away process: runs the checks and writes what they find, a line of JSON each.

Reads the subject from standard input. Lines are `{"stage": "..."}` before each stage, `{"finding": {...}}`, and
`{"done": [...]}` at the end; whatever the plugin prints goes to standard error.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any, TextIO

from muntin.app import create_app  # what the core itself needs is imported before the plugin's time is taken
from muntin.conformance.bench import configuration, open_bench
from muntin.conformance.checks import (
    attacks,
    contributions,
    events,
    jobs,
    loading,
    manifest,
    pages,
    project,
    routes,
    settings,
    sources,
    switching,
    tables,
    templates,
)
from muntin.conformance.finding import Finding
from muntin.conformance.loaded import Loaded
from muntin.conformance.subject import Subject
from muntin.panel import Panel
from muntin.plugins.discovery import installed_plugins

__all__ = ["create_app"]
STATIC = (contributions.check, routes.check, settings.check, events.check, jobs.check, templates.check)


class Teller:
    """Writes lines for the parent.

    Attributes:
        errors: How many findings were errors; later stages need a plugin that got through the earlier ones.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self.errors = 0

    def tell(self, **line: Any) -> None:
        """Write one line, at once."""
        self._out.write(json.dumps(line) + "\n")
        self._out.flush()

    def tell_all(self, findings: Iterable[Finding]) -> None:
        """Write findings."""
        for finding in findings:
            self.errors += finding.severity == "error"
            self.tell(finding=finding.as_json())

    async def tell_each(self, findings: AsyncIterator[Finding]) -> None:
        """The same, as they come."""
        async for finding in findings:
            self.tell_all([finding])


def main() -> None:
    """Run every stage that the ones before leave possible."""
    teller = Teller(os.fdopen(os.dup(1), "w"))
    os.dup2(2, 1)
    logging.disable(logging.CRITICAL)  # what the panel logs of a broken plugin is said by findings
    subject = Subject.of_json(json.load(sys.stdin))
    with tempfile.TemporaryDirectory(prefix="muntin-check-") as folder:
        asyncio.run(_check(subject, Path(folder), teller))
    teller.tell(done=True)
    os._exit(0)  # whatever threads the plugin started do not hold up the end


async def _check(subject: Subject, folder: Path, teller: Teller) -> None:
    teller.tell(stage="manifest")
    teller.tell_all(manifest.check(subject))
    teller.tell_all(project.check(subject))
    if teller.errors:  # a panel would not run any of its code either
        return
    teller.tell(stage="sources")
    teller.tell_all(sources.check(subject))
    teller.tell(stage="import")
    before = teller.errors
    teller.tell_all(loading.check_import(subject))
    if subject.module not in sys.modules:
        return
    loaded = _load(subject, folder, teller)
    if loaded is None:
        return
    teller.tell(stage="contributions")
    for check in STATIC:
        teller.tell_all(check(loaded))
    await _running(loaded, folder, teller, before)


def _load(subject: Subject, folder: Path, teller: Teller) -> Loaded | None:
    """Let a panel load it with what it needs; `None` when it cannot."""
    teller.tell(stage="hooks")
    before = teller.errors
    panel = Panel(configuration(folder, _with_needed(subject.name)), process="command")
    known = vars(panel.registry.manager.hook).items()
    offered = frozenset(name for name, hook in known if getattr(hook, "spec", None) is not None)
    teller.tell_all(loading.check_hooks(subject, importlib.import_module(subject.module), offered))
    if teller.errors == before:
        teller.tell_all(loading.check_loaded(subject, panel.registry))
    plugin = next((one for one in panel.registry.plugins if one.name == subject.name), None)
    return Loaded(subject, panel, plugin) if plugin else None


async def _running(loaded: Loaded, folder: Path, teller: Teller, before: int) -> None:
    """What needs tables, and an open panel."""
    teller.tell(stage="tables")
    errors = teller.errors
    stores = folder / "stores"
    stores.mkdir()
    await teller.tell_each(tables.check(loaded, stores))
    if teller.errors > errors:
        return
    teller.tell(stage="panel")
    async with open_bench(loaded) as bench:
        teller.tell(stage="pages")
        await teller.tell_each(pages.check(bench))
        teller.tell(stage="switch")
        await teller.tell_each(switching.check(bench))
        teller.tell(stage="attacks")
        await teller.tell_each(attacks.check(bench))


def _with_needed(name: str) -> tuple[str, ...]:
    """The plugin and those whose distributions it needs."""
    installed = installed_plugins()
    by_distribution = {one.distribution.lower().replace("_", "-"): one.name for one in installed.values()}
    found: list[str] = []
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one not in found and one in installed:
            found.append(one)
            waiting += [by_distribution[need] for need in installed[one].requires if need in by_distribution]
    return tuple(found)


if __name__ == "__main__":
    main()
