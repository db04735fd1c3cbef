"""Finds the halves that are installed, starts and ends them; one that fails costs the others nothing."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

from muntin_node import hookspecs
from muntin_node.contributions import NodeHalf, RunningHalf
from muntin_node.errors import HalfRefused

if TYPE_CHECKING:
    from quart import Blueprint

    from muntin_node.config import NodeConfig
    from muntin_node.context import NodeContext

log = logging.getLogger(__name__)

PLUGINS_VARIABLE = "MUNTIN_NODE_PLUGINS"
START_TIMEOUT_S = 120.0
READY_TIMEOUT_S = 120.0
CLOSE_TIMEOUT_S = 15.0
CALL_TIMEOUT_S = 10.0
PURGE_TIMEOUT_S = 60.0
TASK_RESTART_S = 5.0


@dataclass(slots=True)
class HalfState:
    """One half: as installed, and as it runs (None if it does not) with what went wrong last."""

    half: NodeHalf
    running: RunningHalf | None = None
    error: str = ""
    refused: str = ""  # why its routes answer 409: the panel has another version of the plugin
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


def discover(wanted: Collection[str] | None = None) -> tuple[list[NodeHalf], dict[str, str]]:
    """The halves of installed distributions, and the errors of those that could not be loaded, by name.

    Args:
        wanted: Only these entry points; None takes all.
    """
    _use_plugins_of_the_panel()
    halves: list[NodeHalf] = []
    errors: dict[str, str] = {}
    for entry_point in sorted(entry_points(group=hookspecs.ENTRY_POINT_GROUP), key=lambda item: item.name):
        if wanted is not None and entry_point.name not in wanted:
            continue
        try:
            halves += _halves_of(entry_point)
        except Exception as error:  # a plugin's import and hook
            log.exception("the node half %s cannot be loaded", entry_point.name)
            errors[entry_point.name] = _words(error)
    for missing in sorted(set(wanted or ()) - {item.name for item in halves} - set(errors)):
        errors[missing] = "not installed"
    return halves, errors


def _use_plugins_of_the_panel() -> None:
    """The agent beside a panel takes the plugins that the panel installed; last, so that they replace nothing."""
    folder = os.environ.get(PLUGINS_VARIABLE)
    if folder and Path(folder).is_dir():
        path = str(Path(folder).resolve())
        if path not in sys.path:
            sys.path.append(path)
            importlib.invalidate_caches()


def _halves_of(entry_point: EntryPoint) -> list[NodeHalf]:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(entry_point.load())
    manager.check_pending()
    answers: list[object] = manager.hook.muntin_node_half()
    for answer in answers:
        if not isinstance(answer, NodeHalf):
            raise TypeError(f"muntin_node_half returned {type(answer).__name__}, not NodeHalf")
    return [answer for answer in answers if isinstance(answer, NodeHalf)]


class Halves:
    """All halves of this agent.

    Args:
        errors: Halves that could not even be loaded; reported with the others.
    """

    def __init__(self, halves: Iterable[NodeHalf], errors: Mapping[str, str] | None = None) -> None:
        self._states = [HalfState(half) for half in halves]
        self._unloadable = dict(errors or {})

    @property
    def running(self) -> list[tuple[str, RunningHalf]]:
        """Those that have started."""
        return [(state.half.name, state.running) for state in self._states if state.running is not None]

    def blueprints(self, *, started_only: bool = True) -> list[tuple[str, tuple[Blueprint, ...]]]:
        """New blueprints by the half's name; one that cannot make them is left out and reported."""
        found = []
        for state in self._states:
            if state.running is None and started_only:
                continue
            try:
                found.append((state.half.name, _watched(state, tuple(state.half.routes()))))
            except Exception as error:  # noqa: BLE001 - a half's code
                self._note(state, error, "cannot make its routes")
        return found

    async def start(self, context_for: Callable[[NodeHalf], NodeContext]) -> None:
        """Start all of them at once and wait until each has started or failed."""
        await asyncio.gather(*(self._start(state, context_for) for state in self._states))

    async def ready(self) -> None:
        """Tell all that the listener is open, and start their tasks."""
        await self._each("ready", lambda half: half.ready() if half.ready else None, timeout_s=READY_TIMEOUT_S)
        for state in self._states:
            if state.running is not None:
                state.tasks = [asyncio.create_task(self._keep_running(state, task)) for task in state.running.tasks]

    async def close(self) -> None:
        """End their tasks, then close all."""
        tasks = [task for state in self._states for task in state.tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._each("close", lambda half: half.close(), timeout_s=CLOSE_TIMEOUT_S)

    async def purge(self, name: str) -> None:
        """End a half and have it delete what it keeps; does nothing when it does not run. Raises what it raises."""
        for state in self._states:
            running = state.running
            if state.half.name != name or running is None:
                continue
            for task in state.tasks:
                task.cancel()
            await asyncio.gather(*state.tasks, return_exceptions=True)
            await asyncio.wait_for(running.close(), CLOSE_TIMEOUT_S)
            if running.purge is not None:
                await asyncio.wait_for(running.purge(), PURGE_TIMEOUT_S)
            state.running, state.tasks, state.error = None, [], "purged; uninstall it and restart the agent"

    async def configure(self, config: NodeConfig) -> None:
        """Tell all the new configuration."""
        await self._each("configure", lambda half: half.configure(config) if half.configure else None)

    async def deauthorize(self, user_uuid: str, server_uuids: tuple[str, ...]) -> None:
        """Have all close what a user has open."""
        await self._each(
            "deauthorize", lambda half: half.deauthorize(user_uuid, server_uuids) if half.deauthorize else None
        )

    async def system(self) -> dict[str, object]:
        """What the halves add to the node's facts. Raises what a half raises: the caller answers 500."""
        facts: dict[str, object] = {}
        for _, half in self.running:
            if half.system is not None:
                facts.update(await asyncio.wait_for(half.system(), CALL_TIMEOUT_S))
        return facts

    def compare(self, wanted: Mapping[str, object]) -> None:
        """Take what the panel says of its halves, `{name: version}`: one of another series is refused from now on.

        What runs goes on running; only nobody can ask the half for anything until the versions fit again.
        """
        for state in self._states:
            panels = wanted.get(state.half.name)
            fits = not isinstance(panels, str) or same_series(state.half.version, panels)
            refused = "" if fits else f"{state.half.name} is {state.half.version} here and {panels} on the panel"
            if refused and refused != state.refused:
                log.error("%s: its routes are closed until the versions fit", refused)
            state.refused = refused

    def health(self) -> tuple[list[dict[str, object]], dict[str, Mapping[str, object]]]:
        """Name, version and error of each half; and the figures each reports."""
        reports: dict[str, Mapping[str, object]] = {}
        for state in self._states:
            if state.running is None:
                continue
            try:
                reports[state.half.name] = state.running.health()
            except Exception as error:  # noqa: BLE001 - a half's code
                self._note(state, error, "cannot report its health")
        return [*map(_described, self._states), *self._unloadable_described()], reports

    def _unloadable_described(self) -> list[dict[str, object]]:
        return [{"name": name, "version": "", "error": error} for name, error in self._unloadable.items()]

    async def _start(self, state: HalfState, context_for: Callable[[NodeHalf], NodeContext]) -> None:
        try:
            running = await asyncio.wait_for(state.half.start(context_for(state.half)), START_TIMEOUT_S)
            if not isinstance(running, RunningHalf):
                raise TypeError(f"start returned {type(running).__name__}, not RunningHalf")
            state.running = running
        except Exception as error:  # noqa: BLE001 - a half's code
            self._note(state, error, "did not start and is left out")

    async def _each(
        self, what: str, call: Callable[[RunningHalf], Awaitable[None] | None], *, timeout_s: float = CALL_TIMEOUT_S
    ) -> None:
        await asyncio.gather(*(self._one(state, what, call, timeout_s) for state in self._states))

    async def _one(
        self, state: HalfState, what: str, call: Callable[[RunningHalf], Awaitable[None] | None], timeout_s: float
    ) -> None:
        if state.running is None:
            return
        try:
            work = call(state.running)
            if work is not None:
                await asyncio.wait_for(work, timeout_s)
        except Exception as error:  # noqa: BLE001 - a half's code
            self._note(state, error, f"failed in {what}")

    async def _keep_running(self, state: HalfState, task: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await task()
                return
            except Exception as error:  # noqa: BLE001 - a half's code
                self._note(state, error, "has a task that failed")
            await asyncio.sleep(TASK_RESTART_S)

    def _note(self, state: HalfState, error: Exception, what: str) -> None:
        state.error = f"{what}: {_words(error)}"
        log.error("the node half %s %s", state.half.name, what, exc_info=error)


def _described(state: HalfState) -> dict[str, object]:
    described: dict[str, object] = {"name": state.half.name, "version": state.half.version}
    error = "; ".join(one for one in (state.refused, state.error) if one)
    return described | {"error": error} if error else described


def same_series(one: str, other: str) -> bool:
    """Whether two versions may work together: the first two numbers are the same."""
    return one.split(".")[:2] == other.split(".")[:2]


def _watched(state: HalfState, blueprints: tuple[Blueprint, ...]) -> tuple[Blueprint, ...]:
    """The same blueprints, closed while the half is refused."""

    async def check() -> None:
        if state.refused:
            raise HalfRefused(state.refused)

    for blueprint in blueprints:
        blueprint.before_request(check)
        blueprint.before_websocket(check)
    return blueprints


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]
