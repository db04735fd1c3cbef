"""A made-up game server whose console the browser tests talk to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any


class Viewer(asyncio.Queue[dict[str, Any]]):
    """Frames on their way to one socket."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = asyncio.Event()


@dataclass
class FakeServer:
    """A console whose lines are numbered; sockets can be dropped from the test."""

    lines: list[str] = field(default_factory=list)
    state: str = "running"
    sockets: set[Viewer] = field(default_factory=set)
    tickets: set[str] = field(default_factory=set)
    issued: int = 0
    commands: list[str] = field(default_factory=list)
    ticks: int = 0
    numbered: bool = True
    drop_code: int = 1011
    dropped: asyncio.Event = field(default_factory=asyncio.Event)

    def frame(self, first: int, last: int) -> dict[str, Any]:
        """Lines `first` to `last` (numbered from 1) as one frame."""
        frame = {
            "type": "console_output",
            "message": "\n".join(self.lines[first - 1 : last]),
            "timestamp": (datetime(2026, 11, 21, tzinfo=UTC) + timedelta(seconds=last)).isoformat(),
        }
        return {**frame, "seq": last} if self.numbered else frame

    async def drop(self, code: int) -> None:
        """Closes every socket with that code and takes new ones at once."""
        self.drop_code = code
        self.dropped.set()
        async with asyncio.timeout(30):
            await asyncio.gather(*(one.closed.wait() for one in list(self.sockets)))
        self.dropped = asyncio.Event()

    async def say(self, *lines: str) -> None:
        """New lines, told to everybody who listens."""
        first = len(self.lines) + 1
        self.lines.extend(lines)
        await self.tell(self.frame(first, len(self.lines)))

    async def tell(self, frame: dict[str, Any]) -> None:
        for queue in list(self.sockets):
            await queue.put(frame)

    async def become(self, state: str) -> None:
        self.state = state
        await self.tell({"type": "status", "status": state})

    def stats(self) -> dict[str, Any]:
        self.ticks += 1
        return {
            "type": "stats",
            "cpu": 20 + (self.ticks * 7) % 60,
            "memory": (900 + (self.ticks * 37) % 600) * 2**20,
            "memory_limit": 2048 * 2**20,
            "disk": 3_000 * 2**20,
            "disk_limit": 10_240 * 2**20,
            "network": {"rx": self.ticks * 150_000, "tx": self.ticks * 90_000},
            "uptime": 4_000 + self.ticks,
        }
