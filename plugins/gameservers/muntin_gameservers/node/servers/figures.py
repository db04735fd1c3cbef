"""Figures of running servers, once a second, from the files of their control groups."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from muntin_gameservers.contract import DiskIo, NetworkUsage, ResourceUsage
from muntin_gameservers.node.servers.run import Run
from muntin_gameservers.node.servers.server import Server
from muntin_node.cgroups import CgroupUsage, read_traffic, read_usage
from muntin_node.system import Traffic

INTERVAL_S = 1.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading; `at_ns` is monotonic."""

    at_ns: int
    usage: CgroupUsage
    traffic: Traffic


def _read(pids: Sequence[int]) -> list[Sample | None]:
    return [_sample(pid) for pid in pids]


def _sample(pid: int) -> Sample | None:
    try:
        return Sample(time.monotonic_ns(), read_usage(pid), read_traffic(pid))
    except (ProcessLookupError, OSError):
        return None  # it ended while we looked


class Figures:
    """Reads all running servers in one go and tells their sockets."""

    def __init__(self, servers: Callable[[], Collection[Server]]) -> None:
        self._servers = servers
        self._earlier: dict[str, Sample] = {}

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            await self.read_once()
            await asyncio.sleep(INTERVAL_S)

    async def read_once(self) -> None:
        """One round."""
        running = [(server, server.run) for server in self._servers() if server.run is not None and server.run.pid]
        samples = await asyncio.to_thread(_read, [run.pid for _, run in running if run is not None])
        for (server, run), sample in zip(running, samples, strict=True):
            if sample is not None and run is not None and server.run is run:
                self._note(server, run, sample)
        alive = {run.container_id for _, run in running if run is not None}
        self._earlier = {key: sample for key, sample in self._earlier.items() if key in alive}

    def _note(self, server: Server, run: Run, sample: Sample) -> None:
        earlier = self._earlier.get(run.container_id)
        self._earlier[run.container_id] = sample
        if sample.usage.oom_kills > run.oom_kills:
            run.oom_kills = sample.usage.oom_kills
            server.console.say("Memory ran out; a process of the server was killed.")
        server.usage = ResourceUsage(
            memory_bytes=sample.usage.memory_bytes,
            memory_limit_bytes=run.memory_limit_bytes,
            cpu_absolute=cpu_percent(earlier, sample),
            network=NetworkUsage(rx_bytes=sample.traffic.rx_bytes, tx_bytes=sample.traffic.tx_bytes),
            disk_io=DiskIo(read_bytes=sample.usage.io_read_bytes, write_bytes=sample.usage.io_write_bytes),
            uptime=max(0, round((datetime.now(UTC) - run.started_at).total_seconds() * 1000)),
        )
        server.publish_usage()


def cpu_percent(earlier: Sample | None, later: Sample) -> float:
    """Percent of one core between two readings, 3 decimals."""
    if earlier is None or later.at_ns <= earlier.at_ns:
        return 0.0
    used_ns = later.usage.cpu_usage_ns - earlier.usage.cpu_usage_ns
    return round(max(0.0, 100.0 * used_ns / (later.at_ns - earlier.at_ns)), 3)
