"""A supervisor in a process of its own, and what it says on the bus."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from muntin.bus import Json
from muntin.bus.unix import UnixBus
from muntin.supervisor import Plan
from muntin.supervisor.launch import PLAN_VARIABLE
from muntin.testing.free_ports import free_port


def python(code: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code, *arguments)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def until(condition: Callable[[], object], *, timeout_s: float = 30.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - conditions of many kinds, none of them an event
            await asyncio.sleep(0.01)


@dataclass
class Running:
    """A supervisor process and what it said."""

    process: asyncio.subprocess.Process
    port: int
    bus: UnixBus
    heard: list[tuple[str, Json]] = field(default_factory=list)

    async def get(self, path: str = "/") -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        answer = (await reader.read()).decode()
        writer.close()
        return answer.partition("\r\n\r\n")[2]

    def events(self, name: str) -> list[str]:
        return [
            str(data["event"])
            for _, data in self.heard
            if isinstance(data, dict) and data.get("name") == name and "event" in data
        ]

    def last_ready(self, name: str) -> Json:
        ready = [data for _, data in self.heard if isinstance(data, dict) and data.get("event") == "ready"]
        return next((data for data in reversed(ready) if data["name"] == name), None)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), 30)


Starter = Callable[[Plan], Awaitable[Running]]


@pytest.fixture
async def supervise(tmp_path: Path) -> AsyncIterator[Starter]:
    running: list[Running] = []

    async def start(plan: Plan) -> Running:
        port = free_port()
        plan = replace(
            plan, bind=f"127.0.0.1:{port}", bus_path=str(tmp_path / "bus.sock"), announcement="everything is ready"
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "muntin.supervisor",
            env={**os.environ, PLAN_VARIABLE: plan.to_json()}, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        bus = UnixBus(tmp_path / "bus.sock")
        started = Running(process, port, bus)
        bus.subscribe("supervisor.*", lambda topic, data: started.heard.append((topic, data)))
        await bus.open()
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 30) == b"everything is ready\n"
        await until(lambda: bus.connected)
        running.append(started)
        return started

    yield start
    for one in running:
        await one.stop()
        await one.bus.close()
