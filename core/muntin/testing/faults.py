"""The fault matrix: every contribution of a plugin misbehaves in every way, and the panel goes on.

An author gets it for their plugin by one import:

    from muntin.testing.faults import test_panel_lives_whatever_a_contribution_does  # noqa: F401

It takes the fixtures `app` and `admin`, and looks at every plugin that the panel loads (`panel_plugins`). Each thing
that the core calls of a plugin is replaced by one that raises, answers something else, never answers, or leaves tasks
behind; it is called the way the panel calls it, while others ask for pages and routes of the core. None of those may
fail, and the plugin's own caller gets an answer in time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from muntin.app import PanelApp
from muntin.panel import Panel
from muntin.plugins import CORE
from muntin.plugins.boundaries import Deadlines
from muntin.plugins.loading import LoadedPlugin
from muntin.plugins.registry import Snapshot
from muntin.testing.callers import Caller
from muntin.testing.faults_exercises import Exercise, exercises
from muntin.testing.faults_injected import FAULTS, Fault

__all__ = ["Cell", "run_matrix", "table_of", "test_panel_lives_whatever_a_contribution_does"]

SHORT = Deadlines(request_s=0.2, accept_s=0.2, slot_s=0.2, ask_s=0.2, start_s=0.2, stop_s=0.2)
ANSWER_WITHIN_S = 20.0
CORE_PATHS = ("/healthz", "/api/v1/account", "/api/v1/health", "/sign-in")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One contribution with one fault.

    Attributes:
        contribution: Kind and name.
        outcome: What the plugin's own caller got, in a word or two.
        lost: Requests of others that failed meanwhile, as method, path and status.
        state: `enabled`, or `quarantined` where the breaker took it out.
    """

    plugin: str
    contribution: str
    fault: str
    outcome: str
    lost: tuple[str, ...]
    state: str

    @property
    def is_fine(self) -> bool:
        """Whether nobody else noticed."""
        return not self.lost and not self.outcome.startswith("hung")


async def run_matrix(app: PanelApp, admin: Caller, plugin: str) -> list[Cell]:
    """Try every fault at every contribution of a loaded and enabled plugin; it is as before afterwards."""
    panel = app.panel
    cells: list[Cell] = []
    before, panel.deadlines = panel.deadlines, SHORT
    try:
        for exercise in exercises(panel, plugin):
            cells += [await _cell(app, admin, plugin, exercise, fault) for fault in FAULTS]
    finally:
        panel.deadlines = before
    return cells


async def test_panel_lives_whatever_a_contribution_does(app: PanelApp, admin: Caller) -> None:
    """Import this into a test file of a plugin."""
    names = sorted(app.panel.registry.names - {CORE})
    if not names:
        pytest.skip("no plugin is loaded")

    cells = [cell for name in names for cell in await run_matrix(app, admin, name)]

    assert [cell for cell in cells if not cell.is_fine] == []  # noqa: S101 - it is a test


def table_of(cells: Sequence[Cell]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Heads and rows: contributions down, faults across."""
    names = dict.fromkeys(cell.contribution for cell in cells)
    found = {(cell.contribution, cell.fault): cell for cell in cells}
    rows = [(name, *(_shown(found[name, fault.name]) for fault in FAULTS)) for name in names]
    return ("contribution", *(fault.name for fault in FAULTS)), rows


def _shown(cell: Cell) -> str:
    return f"{cell.outcome}; {len(cell.lost)} lost"


async def _cell(app: PanelApp, admin: Caller, plugin: str, exercise: Exercise, fault: Fault) -> Cell:
    lost: list[str] = []
    with injected(app.panel, plugin, exercise, fault):
        others = asyncio.create_task(_ask_on(admin, lost))
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                outcome = await exercise.perform(app, admin)
        except TimeoutError:
            outcome = f"hung for {ANSWER_WITHIN_S:g} s"
        except Exception as error:  # noqa: BLE001 - whatever a caller would have seen is the outcome
            outcome = type(error).__name__
        others.cancel()
        await asyncio.gather(others, return_exceptions=True)
        await _ask_once(admin, lost)
        state = "enabled" if plugin in app.panel.registry.enabled else "quarantined"
    return Cell(
        plugin=plugin,
        contribution=exercise.name,
        fault=fault.name,
        outcome=outcome,
        lost=tuple(lost),
        state=state,
    )


async def _ask_on(admin: Caller, lost: list[str]) -> None:
    while True:
        await _ask_once(admin, lost)
        await asyncio.sleep(0.02)


async def _ask_once(admin: Caller, lost: list[str]) -> None:
    for path in CORE_PATHS:
        answer = await admin.get(path)
        if answer.status not in (200, 429):  # asking often is not the plugin's fault
            lost.append(f"GET {path} {answer.status}")


@contextmanager
def injected(panel: Panel, plugin: str, exercise: Exercise, fault: Fault) -> Iterator[None]:
    """While the block runs, the contribution misbehaves."""
    registry = panel.registry
    plugins, snapshot, tables = registry.plugins, registry._snapshot, panel._tables
    registry.plugins = tuple(_with(one, exercise, fault) if one.name == plugin else one for one in plugins)
    registry._snapshot = Snapshot(snapshot.enabled, registry.plugins)
    panel._tables = None
    panel.breaker.forget(plugin)
    try:
        yield
    finally:
        registry.plugins, registry._snapshot, panel._tables = plugins, snapshot, tables
        panel.breaker.forget(plugin)


def _with(plugin: LoadedPlugin, exercise: Exercise, fault: Fault) -> LoadedPlugin:
    return replace(plugin, contributions=tuple(_broken(one, exercise, fault) for one in plugin.contributions))


def _broken(contribution: Any, exercise: Exercise, fault: Fault) -> Any:
    return exercise.broken(fault) if contribution is exercise.contribution else contribution
