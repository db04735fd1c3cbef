"""A second agent on the machine, enrolled as an operator does it: what `muntin node add` prints is typed in."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from muntin.testing.free_ports import free_port

from .hosting import HOST, Host
from .programs import until

STOP_S = 20.0


@dataclass
class SecondNode:
    """`muntin-node run` beside the panel's own agent, on the same engine, with a folder of its own."""

    host: Host
    folder: Path
    node_id: str = ""
    process: asyncio.subprocess.Process | None = None

    @classmethod
    @asynccontextmanager
    async def beside(cls, host: Host, folder: Path) -> AsyncIterator[Self]:
        """Given when the panel says that it is online."""
        node = cls(host, folder)
        await node._enrol()
        await node.start()
        try:
            yield node
        finally:
            await node.stop()

    async def _enrol(self) -> None:
        port = free_port()
        self._write_base(port)
        printed = await self.host.program.command(
            "node", "add", "second", "127.0.0.1",
            "--memory", "8192", "--disk", "40960", "--scheme", "http", "--port", str(port),
        )  # fmt: skip
        typed = shlex.split(printed.splitlines()[-1])
        assert typed[0] == "muntin-node"
        process = await self._agent(*typed[1:])
        assert await process.wait() == 0, self.log.read_text()
        nodes = await self.host.api.get("/admin/nodes")
        self.node_id = next(one["id"] for one in nodes if one["name"] == "second")

    def _write_base(self, port: int) -> None:
        own = yaml.safe_load((self.host.program.folder / "node" / "config.yml").read_text())
        base = {
            "api": {"host": "127.0.0.1", "port": port},
            "docker": own["docker"],
            "system": {"root_directory": str(self.folder), "sftp": {"bind_address": "127.0.0.1"}},
        }
        (self.folder / "node.yml").write_text(yaml.safe_dump(base))

    @property
    def log(self) -> Path:
        """What the agent wrote."""
        return self.folder / "agent.log"

    async def _agent(self, *arguments: str) -> asyncio.subprocess.Process:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MUNTIN_")}
        with self.log.open("a") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "muntin_node.cli", *arguments, "--config", str(self.folder / "node.yml"),
                cwd=self.folder, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    async def start(self) -> None:
        """Run it; given when the panel says that it is online."""
        self.process = await self._agent("run")
        await until(self._is_online, timeout_s=60, every_s=0.3, what=f"the second node (see {self.log})")

    async def _is_online(self) -> bool:
        assert self.process is not None
        assert self.process.returncode is None, self.log.read_text()[-3000:]
        nodes = await self.host.api.get("/admin/nodes")
        return any(one["id"] == self.node_id and one["status"] == "online" for one in nodes)

    async def stop(self) -> None:
        """Stop it as an operator would."""
        process, self.process = self.process, None
        if process is not None and process.returncode is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            async with asyncio.timeout(STOP_S):
                await process.wait()

    async def kill(self) -> None:
        """`kill -9`."""
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    def freeze(self) -> None:
        """Have it do nothing, with its connections open, until it is thawed or killed."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    async def allocate(self) -> dict[str, Any]:
        """A new address of this node."""
        body = {"ip": HOST, "ports": [free_port(HOST)]}
        found: list[dict[str, Any]] = await self.host.api.post(f"/admin/nodes/{self.node_id}/allocations", body)
        return found[0]

    def volume(self, server_id: str) -> Path:
        """Where the server's files are, if it is here."""
        return self.folder / "volumes" / server_id

    def paths(self, server_id: str) -> list[str]:
        """Everything of a server in this node's folder, but for logs."""
        return sorted(str(path) for path in self.folder.rglob(f"*{server_id}*") if "logs" not in path.parts)
