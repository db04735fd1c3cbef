"""How long a power action takes from HTTP in to HTTP out, and an event from the web process to its subscriber.

Power goes to the panel's own agent, which starts and kills a real container; where none can run, to a peer that only
says yes, and the table says so.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from statistics import median

from tests.bench.children import free_port, listens, module
from tests.bench.figures import Figure, Measure, Options, rotate
from tests.bench.nodes import game_server, reached, say_ready, server_on_peer, why_no_containers
from tests.bench.run import REPOSITORY

from muntin.testing.served import ServedPanel, served_panel

World = tuple[ServedPanel, str, Measure]
CALLS = 20
PAIRS = 3
"""Starts and kills of a round; the container is waited for in between, unmeasured."""
PROBE = REPOSITORY / "tests" / "bench" / "probe"
METADATA = "Metadata-Version: 2.1\nName: muntin-bench-probe\nVersion: 0.1\n"
ENTRY_POINTS = "[muntin.plugins]\nbench_probe = muntin_bench_probe.plugin\n"


async def measure(options: Options) -> list[Figure]:
    """Milliseconds at the 50th percentile: of some power actions and of twenty events a round."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as told:
        told.bind(("127.0.0.1", 0))
        told.setblocking(False)
        environment = {
            "PYTHONPATH": os.pathsep.join([_installed(options.folder), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "MUNTIN_BENCH_PORT": str(told.getsockname()[1]),
        }
        lacking = why_no_containers()
        world = _with_peer if lacking else _with_agent
        async with world(options.folder / "power", environment) as (panel, server_id, power):
            targets = {"power": power, "event": _p50_ms(partial(_event, panel, server_id, told), CALLS)}
            await rotate(targets, 1)
            samples = await rotate(targets, options.rounds)
    note = f"NOT the agent but a small peer: {lacking}" if lacking else "the agent, starting and killing a container"
    return [
        Figure(name="power call, p50", samples=samples["power"], unit="ms", at_most=50.0, note=note),
        Figure(name="event to subscriber, p50", samples=samples["event"], unit="ms", at_most=300.0,
               note="written by a web process, handled in the worker"),
    ]  # fmt: skip


@asynccontextmanager
async def _with_agent(folder: Path, environment: Mapping[str, str]) -> AsyncIterator[World]:
    """A panel with its own agent, and a server in a container."""
    async with served_panel(folder, {**environment, "MUNTIN_LOCAL_NODE": "always"}) as panel:
        server_id = await game_server(panel)

        async def power() -> float:
            taken_ms = []
            for _pair in range(PAIRS):
                taken_ms.append(await _power_ms(panel, server_id, "start"))
                await say_ready(panel, server_id)
                taken_ms.append(await _power_ms(panel, server_id, "kill"))
                await reached(panel, server_id, "offline")
            return median(taken_ms)

        try:
            yield panel, server_id, power
        finally:
            (await panel.client.delete(f"/api/v1/admin/servers/{server_id}")).raise_for_status()


@asynccontextmanager
async def _with_peer(folder: Path, environment: Mapping[str, str]) -> AsyncIterator[World]:
    """A panel whose node says yes to everything."""
    port = free_port()
    async with module("node_peer", "power", str(port)), served_panel(folder, environment) as panel:
        await listens(port)
        server_id = str(await server_on_peer(panel, port))

        async def power() -> float:
            return median([await _power_ms(panel, server_id, "start") for _call in range(CALLS)])

        yield panel, server_id, power


async def _power_ms(panel: ServedPanel, server_id: str, action: str) -> float:
    while True:  # one server takes so many orders a minute; waiting for the next minute is not measured
        started = time.perf_counter()
        answer = await panel.client.post(f"/api/v1/servers/{server_id}/power", json={"action": action})
        taken_ms = 1000 * (time.perf_counter() - started)
        if answer.status_code != 429:
            answer.raise_for_status()
            return taken_ms
        await asyncio.sleep(int(answer.headers["Retry-After"]))


async def _event(panel: ServedPanel, server_id: str, told: socket.socket) -> float:
    """The seconds that the probe says an event took."""
    body = {"name": f"renamed {time.monotonic_ns()}"}
    (await panel.client.put(f"/api/v1/servers/{server_id}/settings", json=body)).raise_for_status()
    async with asyncio.timeout(10):
        return float(await asyncio.get_running_loop().sock_recv(told, 64))


def _p50_ms(once: Callable[[], Awaitable[float]], calls: int) -> Measure:
    """The median of the seconds that some calls answer."""

    async def measure() -> float:
        return 1000 * median([await once() for _call in range(calls)])

    return measure


def _installed(folder: Path) -> str:
    """The probe's metadata beside its code, so that it is found like any installed plugin; what to put on the path."""
    site = folder / "site"
    information = site / "muntin_bench_probe-0.1.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(METADATA)
    (information / "entry_points.txt").write_text(ENTRY_POINTS)
    return os.pathsep.join([str(site), str(PROBE)])
