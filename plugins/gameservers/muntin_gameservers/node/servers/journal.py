"""What must be known after `kill -9`: states of servers, installs and transfers under way, deletions begun."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from muntin_gameservers.contract import PowerState

log = logging.getLogger(__name__)
ArrivalStage = Literal["receiving", "received", "cancelled"]
STATES: tuple[PowerState, ...] = ("offline", "starting", "running", "stopping")


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingInstall:
    """An install that the panel has not heard the end of. `successful` is None until the script has ended."""

    reinstall: bool
    successful: bool | None = None
    reason: str = ""


@dataclass(slots=True)
class Journal:
    """Two small files, written whole: `states.json` (Wings' own form) and `journal.json`.

    Args:
        states_path: `{uuid: state}`.
        path: Everything else.

    Attributes:
        arrivals: Servers that come from another node. While `receiving` what lies here is worth nothing; once
            `received` it may be the only copy, and the panel alone decides; `cancelled` says that it knows already.
        departures: Servers that were being sent to another node; only the panel knows whether they are still ours.
    """

    states_path: Path
    path: Path
    states: dict[str, PowerState] = field(default_factory=dict)
    installs: dict[str, PendingInstall] = field(default_factory=dict)
    installed: dict[str, bool] = field(default_factory=dict)
    deletions: set[str] = field(default_factory=set)
    arrivals: dict[str, ArrivalStage] = field(default_factory=dict)
    departures: set[str] = field(default_factory=set)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _dirty: asyncio.Event = field(default_factory=asyncio.Event)

    def load(self) -> None:
        """Read both files; one that is missing or broken counts as empty, since the engine knows what runs."""
        states = _read(self.states_path)
        self.states = {uuid: state for uuid, state in states.items() if state in STATES}
        journal = _read(self.path)
        self.installs = {uuid: PendingInstall(**entry) for uuid, entry in journal.get("installs", {}).items()}
        self.installed = dict(journal.get("installed", {}))
        self.deletions = set(journal.get("deletions", []))
        self.arrivals = dict(journal.get("arrivals", {}))
        self.departures = set(journal.get("departures", []))

    def note_state(self, uuid: str, state: PowerState) -> None:
        """Remember a state; written within moments by `write_states`."""
        self.states[uuid] = state
        self._dirty.set()

    def forget(self, uuid: str) -> None:
        """Drop everything about a server but a deletion or a transfer under way."""
        self.states.pop(uuid, None)
        self.installs.pop(uuid, None)
        self.installed.pop(uuid, None)
        self._dirty.set()

    async def save(self) -> None:
        """Write the journal; when this returns it survives anything."""
        async with self._lock:
            content = {
                "installs": {
                    uuid: {"reinstall": entry.reinstall, "successful": entry.successful, "reason": entry.reason}
                    for uuid, entry in self.installs.items()
                },
                "installed": self.installed,
                "deletions": sorted(self.deletions),
                "arrivals": self.arrivals,
                "departures": sorted(self.departures),
            }
            await asyncio.to_thread(_write, self.path, content)

    async def save_states(self) -> None:
        """Write the states now."""
        async with self._lock:
            await asyncio.to_thread(_write, self.states_path, dict(self.states))

    async def write_states(self) -> None:
        """Write the states whenever they changed, until cancelled."""
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            try:
                await self.save_states()
            except OSError as error:
                log.warning("%s cannot be written: %s", self.states_path, error)
            await asyncio.sleep(0.1)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        log.warning("%s cannot be read and counts as empty: %s", path, error)
        return {}
    return content if isinstance(content, dict) else {}


def _write(path: Path, content: Mapping[str, Any]) -> None:
    temporary = path.with_suffix(".new")
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary.open("w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
