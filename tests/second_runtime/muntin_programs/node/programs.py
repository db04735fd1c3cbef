"""The programs of one node: wanted ones are kept in files, running ones are children of the agent."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from muntin_node.context import NodeContext
from muntin_node.errors import Conflict, NotFound
from muntin_node.fanout import Fanout
from muntin_node.processes import Limits, Process
from muntin_programs.contract import Program, State

STOP_S = 10.0


class Programs:
    """Every program the panel wanted here, by id."""

    def __init__(self, context: NodeContext) -> None:
        self._context = context
        self._running: dict[str, Process] = {}
        self._consoles: dict[str, Fanout] = {}
        self._waiting: set[asyncio.Task[None]] = set()

    def keep(self, program_id: str, program: Program) -> None:
        """Remember what is to run; doing it twice changes nothing more."""
        folder = self._folder(program_id)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / "program.json").write_text(program.model_dump_json())

    def state(self, program_id: str) -> State:
        """Whether it runs."""
        return "running" if program_id in self._running else "offline"

    def console(self, program_id: str) -> Fanout:
        """Its output."""
        self._program(program_id)
        return self._consoles.setdefault(program_id, Fanout(history_lines=500))

    async def start(self, program_id: str) -> None:
        """Start it; nothing happens if it runs."""
        if program_id in self._running:
            return
        program = self._program(program_id)
        console = self.console(program_id)
        process = await self._context.processes.start(
            program.argv,
            cwd=self._folder(program_id),
            env={"PATH": "/usr/bin:/bin"},
            limits=Limits(open_files=256),
            stdin=True,
            on_line=lambda line: _publish(console, line),
        )
        self._running[program_id] = process
        self._tell(program_id)
        task = asyncio.create_task(self._wait(program_id, process))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def stop(self, program_id: str) -> None:
        """End it and wait until it has ended."""
        process = self._running.get(program_id)
        if process is not None:
            await process.stop(timeout_s=STOP_S)

    def write(self, program_id: str, text: str) -> None:
        """Give it a line of input."""
        process = self._running.get(program_id)
        if process is None:
            raise Conflict("The program is not running.")
        process.write(f"{text}\n")

    async def remove(self, program_id: str) -> None:
        """End it and forget it, its folder included."""
        await self.stop(program_id)
        self._consoles.pop(program_id, None)
        shutil.rmtree(self._folder(program_id), ignore_errors=True)

    async def _wait(self, program_id: str, process: Process) -> None:
        code = await process.wait()
        self._running.pop(program_id, None)
        self.console(program_id).publish(f"ended with {code}")
        self._tell(program_id)

    def _tell(self, program_id: str) -> None:
        self._context.bus.send("programs.state", {"id": program_id, "state": self.state(program_id)})

    def _program(self, program_id: str) -> Program:
        path = self._folder(program_id) / "program.json"
        if not path.exists():
            raise NotFound("There is no such program here.")
        return Program.model_validate_json(path.read_text())

    def _folder(self, program_id: str) -> Path:
        return self._context.data_dir / program_id


def _publish(console: Fanout, line: str) -> None:
    console.publish(line)
