"""One change of the set of plugins: a new generation is built, tried, migrated to, and put to use, or all is undone."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from muntin.database import fetch_all
from muntin.plugins.declared import Declared, write_declared
from muntin.plugins.generations import CHOSEN, Generations
from muntin.plugins.installing.environment import environment_of
from muntin.plugins.installing.journal import Journal, Pending
from muntin.plugins.installing.report import Report
from muntin.plugins.installing.rolling import roll
from muntin.plugins.installing.wheels import Wheel, unpack
from muntin.plugins.manifest import Manifest
from muntin.plugins.manifest_file import PluginRefused
from muntin.translation import _

if TYPE_CHECKING:
    from muntin.panel import Panel

PROBE_S = 30.0
Undo = Callable[[], Awaitable[str]]


class Change:
    """The steps of one change, and what undoes those that were done.

    Attributes:
        after: The generation that is being made; `None` when no plugin is left.
    """

    def __init__(self, panel: Panel, report: Report, generations: Generations) -> None:
        self.after: int | None = None
        self._panel = panel
        self._report = report
        self._generations = generations
        self._journal = Journal(generations.folder)
        self._undo: list[tuple[str, Undo]] = []
        self._before = generations.current
        self._endings: list[Callable[[], Awaitable[object]]] = []

    async def build(self, declared: Declared, wheels: Iterable[Wheel]) -> None:
        """Unpack every wheel into the folder of a new generation, and keep the wheels."""
        async with self._report.step(_("Unpack")) as step:
            self.after = self._generations.new()
            self._undo.append((_("Delete the new generation"), self._delete))
            folder = self._generations.path(self.after)
            for wheel in wheels:
                await asyncio.to_thread(unpack, wheel, folder)
                await asyncio.to_thread(_keep, wheel.path, self._generations.wheels)
            write_declared(folder, declared)
            step.text = _("Generation {number}", number=self.after)

    async def probe(self, plugins: Mapping[str, Manifest]) -> None:
        """Load the new plugins in a throw-away process."""
        from muntin.plugins.probe import probe

        assert self.after is not None  # noqa: S101 - built before
        for name in sorted(plugins):
            async with self._report.step(_("Try {name} in a process of its own", name=name)):
                found = await probe([self._generations.path(self.after)], name, deadline_s=PROBE_S)
                if not found.ok:
                    raise PluginRefused(found.reason, _("Tell its author. Everything is as it was before."))

    async def migrate(self, plugins: Collection[str]) -> None:
        """Bring the store to the form the new plugins want."""
        async with self._report.step(_("Migrate")) as step:
            history = await applied_migrations()
            self._journal.write(Pending(before=self._before, after=self.after, history=tuple(sorted(history))))
            self._undo.append((_("Forget the change"), self._forget))
            order = {"action": "migrate", "plugins": sorted(plugins), "history": sorted(history)}
            answer = await self._in_store(order)
            fresh = await applied_migrations() - history
            if fresh:
                self._undo.append((_("Put the database back"), lambda: self._put_store_back(history, answer)))
            if "error" in answer:
                raise PluginRefused(str(answer["error"]))
            step.text = ", ".join(answer["applied"]) or _("Nothing to migrate")

    async def roll(self) -> None:
        """Replace the running processes by ones that use the new generation."""
        async with self._report.step(_("Start new processes")) as step:
            if self._journal.read() is None:
                self._journal.write(Pending(before=self._before, after=self.after))
                self._undo.append((_("Forget the change"), self._forget))
            self._journal.rolling(True)
            self._undo.append((_("Start processes as they were"), self._roll_back))
            count = await roll(self._panel, self.after)
            step.text = _("{count} processes replaced", count=count) if count else _("The panel is not running")

    async def commit(self, declared: Declared) -> None:
        """From here on the new generation is the one."""
        async with self._report.step(_("Switch")):
            self._generations.switch(self.after)
            write_declared(self._generations.folder, declared)
            self._undo.clear()
            self._journal.forget()
            self.tidy(declared)

    def tidy(self, declared: Declared) -> None:
        """Delete generations and wheels that nothing uses any more."""
        self._generations.keep_only(self._generations.current)
        used = {one.wheel for one in declared.wheels}
        for wheel in self._generations.wheels.glob("*.whl"):
            if wheel.name not in used:
                wheel.unlink(missing_ok=True)

    async def do(self, title: str, work: Callable[[], Awaitable[object]], undo: tuple[str, Undo]) -> None:
        """Any other step, and what undoes it."""
        async with self._report.step(title):
            self._undo.append(undo)
            await work()

    def at_the_end(self, work: Callable[[], Awaitable[object]]) -> None:
        """Something to be done once all went well."""
        self._endings.append(work)

    async def end(self) -> None:
        """All went well."""
        for work in self._endings:
            await work()

    async def put_back(self) -> None:
        """Undo what was done, the last first; what cannot be undone is said, and the rest goes on."""
        while self._undo:
            title, undo = self._undo.pop()
            try:
                async with self._report.step(title, undoes=True) as step:
                    step.text = await undo()
            except Exception:  # noqa: BLE001, S112 - the step says what went wrong; the others still have to be undone
                continue

    async def _delete(self) -> str:
        if self.after is not None:
            await asyncio.to_thread(self._generations.remove, self.after)
            self._drop_unused_wheels()
        return ""

    def _drop_unused_wheels(self) -> None:
        from muntin.plugins.declared import read_declared

        self.tidy(read_declared(self._generations.folder))

    async def _forget(self) -> str:
        self._journal.forget()
        return ""

    async def _roll_back(self) -> str:
        self._journal.rolling(False)
        count = await roll(self._panel, self._before)
        return _("{count} processes replaced", count=count) if count else ""

    async def _put_store_back(self, history: frozenset[str], answer: Mapping[str, Any]) -> str:
        fresh = await applied_migrations() - history
        backup = answer.get("backup")
        return await put_store_back(self._in_store, fresh, backup=backup, lossy=not fresh.isdisjoint(answer["lossy"]))

    async def _in_store(self, order: Mapping[str, Any]) -> dict[str, Any]:
        return await in_store(self._panel, self.after, order)


async def put_store_back(
    ask: Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]],
    fresh: frozenset[str],
    *,
    backup: str | None,
    lossy: bool,
) -> str:
    """Undo migrations; where that would lose something, put the copy of the database back.

    Raises:
        PluginRefused: Neither is possible; says what is left.
    """
    if lossy and backup:
        answer = await ask({"action": "restore", "backup": backup})
        return _("Put back from {file}; what was written since is gone.", file=answer["restored"])
    answer = await ask({"action": "undo", "names": sorted(fresh)})
    if "error" not in answer:
        return _("Undone: {names}", names=", ".join(answer["undone"]))
    if backup:
        answer = await ask({"action": "restore", "backup": backup})
        return _("Put back from {file}; what was written since is gone.", file=answer["restored"])
    raise PluginRefused(str(answer["error"]), _("Put the database back from your own backup."))


async def applied_migrations() -> frozenset[str]:
    """ "label.name" of every migration of a plugin that was applied."""
    rows = await fetch_all("SELECT app, name FROM tortoise_migrations WHERE app <> 'core'")
    return frozenset(f"{row['app']}.{row['name']}" for row in rows)


async def in_store(panel: Panel, generation: int | None, order: Mapping[str, Any]) -> dict[str, Any]:
    """Have a process that uses a generation work on the store; what it answered.

    Raises:
        PluginRefused: It ended without an answer.
    """
    environment = environment_of(panel.configuration)
    environment[CHOSEN] = "none" if generation is None else str(generation)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "muntin.plugins.installing.store_process",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment,
    )  # fmt: skip
    said, complaint = await process.communicate(json.dumps(dict(order)).encode())
    if process.returncode != 0:
        last = complaint.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise PluginRefused(_("The process that works on the database ended: {why}", why="".join(last)[:500]))
    answer: dict[str, Any] = json.loads(said)
    return answer


def _keep(wheel: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    target = folder / wheel.name
    if wheel.parent != folder:
        draft = folder / f".{wheel.name}.{os.getpid()}"
        shutil.copyfile(wheel, draft)
        draft.replace(target)
