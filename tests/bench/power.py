"""How long a power action takes from HTTP in to HTTP out, and an event from the web process to its subscriber."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

from tests.bench.children import free_port, listens, module
from tests.bench.figures import Figure, Options, rotate
from tests.bench.nodes import server_on_peer
from tests.bench.run import REPOSITORY

from muntin.testing.served import served_panel

CALLS = 20
PROBE = REPOSITORY / "tests" / "bench" / "probe"
METADATA = "Metadata-Version: 2.1\nName: muntin-bench-probe\nVersion: 0.1\n"
ENTRY_POINTS = "[muntin.plugins]\nbench_probe = muntin_bench_probe.plugin\n"


async def measure(options: Options) -> list[Figure]:
    """Milliseconds at the 50th percentile, a round being twenty calls."""
    port = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as told:
        told.bind(("127.0.0.1", 0))
        told.setblocking(False)
        environment = {
            "PYTHONPATH": os.pathsep.join([_installed(options.folder), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "MUNTIN_BENCH_PORT": str(told.getsockname()[1]),
        }
        async with (
            module("node_peer", "power", str(port)),
            served_panel(options.folder / "power", environment) as panel,
        ):
            await listens(port)
            server_id = await server_on_peer(panel, port)
            path = f"/api/v1/servers/{server_id}"

            async def power() -> float:
                (await panel.client.post(f"{path}/power", json={"action": "start"})).raise_for_status()
                return 0.0

            async def event() -> float:
                name = f"renamed {time.monotonic_ns()}"
                (await panel.client.put(f"{path}/settings", json={"name": name})).raise_for_status()
                async with asyncio.timeout(10):
                    return float(await asyncio.get_running_loop().sock_recv(told, 64))

            targets = {"power": _p50_ms(power, by_clock=True), "event": _p50_ms(event, by_clock=False)}
            await rotate(targets, 1)
            samples = await rotate(targets, options.rounds)
    return [
        Figure(name="power call, p50", samples=samples["power"], unit="ms", at_most=50.0, note="node: a small peer"),
        Figure(name="event to subscriber, p50", samples=samples["event"], unit="ms", at_most=300.0,
               note="written by a web process, handled in the worker"),
    ]  # fmt: skip


def _p50_ms(once: Callable[[], Awaitable[float]], *, by_clock: bool) -> Callable[[], Awaitable[float]]:
    """The median of some calls: of the time each took, or of the seconds each answers."""

    async def measure() -> float:
        taken_s: list[float] = []
        for _call in range(CALLS):
            started = time.perf_counter()
            answered_s = await once()
            taken_s.append(time.perf_counter() - started if by_clock else answered_s)
        return 1000 * median(taken_s)

    return measure


def _installed(folder: Path) -> str:
    """The probe's metadata beside its code, so that it is found like any installed plugin; what to put on the path."""
    site = folder / "site"
    information = site / "muntin_bench_probe-0.1.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(METADATA)
    (information / "entry_points.txt").write_text(ENTRY_POINTS)
    return os.pathsep.join([str(site), str(PROBE)])
