"""The end of each console on disk, so that history and numbers go on when the agent starts again."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from muntin_node.threads import in_file_thread

if TYPE_CHECKING:
    from muntin_gameservers.node.servers.server import Server

log = logging.getLogger(__name__)
SAVE_INTERVAL_S = 5.0
KEPT_LINES = 200


class ConsoleMemory(BaseModel):
    """What was shown.

    Attributes:
        container_id: The container whose terminal was shown last; empty if none.
        next_seq: The number the next line gets.
        lines: The last ones, of the daemon too.
        written: Those among them that this container wrote.
    """

    model_config = ConfigDict(frozen=True)

    container_id: str
    next_seq: int
    lines: tuple[str, ...]
    written: tuple[str, ...]


def unseen(written: Collection[str], in_log: list[str]) -> list[str]:
    """The lines of a container's log behind those that were shown; all of them when these are not found in it."""
    known = list(written)[-len(in_log) :] if in_log else []
    if not known:
        return in_log
    for end in range(len(in_log), len(known) - 1, -1):
        if in_log[end - len(known) : end] == known:
            return in_log[end:]
    return in_log


class ConsoleKeeper:
    """One file per server, written while its console moves."""

    def __init__(self, folder: Path, servers: Callable[[], Collection[Server]]) -> None:
        self._folder = folder
        self._servers = servers
        self._saved: dict[str, int] = {}

    def load(self) -> Mapping[str, ConsoleMemory]:
        """All memories by server; blocks. A broken file counts as none."""
        memories = {}
        for path in self._folder.glob("*.json"):
            try:
                memories[path.stem] = ConsoleMemory.model_validate_json(path.read_bytes())
            except (OSError, ValidationError) as error:
                log.warning("%s cannot be read and is left out: %s", path, error)
        return memories

    async def run(self) -> None:
        """Save now and then until cancelled."""
        while True:
            await asyncio.sleep(SAVE_INTERVAL_S)
            await self.save()

    async def save(self) -> None:
        """Save the consoles that moved."""
        moved = [server for server in self._servers() if self._saved.get(server.uuid) != server.console.next_seq]
        memories = {server.uuid: server.console.memory() for server in moved}
        if memories:
            await in_file_thread(self._write, memories)
        self._saved.update({uuid: memory.next_seq for uuid, memory in memories.items()})
        for uuid in memories.keys() - {server.uuid for server in self._servers()}:
            await self.forget(uuid)  # it was deleted while this wrote

    def _write(self, memories: Mapping[str, ConsoleMemory]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for uuid, memory in memories.items():
            temporary = self._folder / f"{uuid}.new"
            temporary.write_text(json.dumps(memory.model_dump(mode="json")))
            temporary.replace(self._folder / f"{uuid}.json")

    async def forget(self, uuid: str) -> None:
        """Remove a deleted server's file."""
        self._saved.pop(uuid, None)
        await in_file_thread((self._folder / f"{uuid}.json").unlink, missing_ok=True)
