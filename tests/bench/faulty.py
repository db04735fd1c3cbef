"""Routes of the core beside plugins that fail all the time, and without them: the slowest of a hundred answers."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from statistics import median, quantiles

import httpx
from tests.bench.figures import Figure, Options, rotate
from tests.bench.seeding import lift_limits, store_of
from tests.faults.packages import install

from muntin.testing.served import ServedPanel, served_panel

PATHS = ("/api/v1/account", "/api/v1/health", "/healthz")
FAULTY = ("raising", "raising_too", "failing_job", "failing_subscriber")
ASKED = 200
VISITORS = 4
FAULT_EVERY_S = 0.3


async def measure(options: Options) -> list[Figure]:
    """p99 of each route in milliseconds on both panels, and their ratio."""
    plugins = _plugins(options.folder / "faulty-plugins")
    with_them = {"PYTHONPATH": str(plugins), "MUNTIN_PLUGINS": ",".join(FAULTY)}
    async with (
        served_panel(options.folder / "without", {"MUNTIN_PLUGINS": "none"}) as without,
        served_panel(options.folder / "with", {**os.environ, **with_them}) as beside,
        _ready(without),
        _ready(beside),
        _failing(beside),
    ):
        return [figure for path in PATHS for figure in await _of_path(without, beside, path, options.rounds)]


def _plugins(folder: Path) -> Path:
    folder.mkdir()
    faults = ({"route": "raises"}, {"route": "raises"}, {"job": "raises"}, {"subscriber": "raises"})
    for name, fault in zip(FAULTY, faults, strict=True):
        install(folder, name, fault)
    return folder


async def _of_path(without: ServedPanel, beside: ServedPanel, path: str, rounds: int) -> list[Figure]:
    samples = await rotate({"without": lambda: _p99_ms(without, path), "beside": lambda: _p99_ms(beside, path)}, rounds)
    ratios = tuple(b / a for a, b in zip(samples["without"], samples["beside"], strict=True))
    return [
        Figure(name=f"p99 of {path}, no plugins", samples=samples["without"], unit="ms"),
        Figure(name=f"p99 of {path}, {len(FAULTY)} that fail", samples=samples["beside"], unit="ms"),
        Figure(name="  ratio", samples=ratios, note=f"of medians {_ratio(samples['beside'], samples['without']):.2f}"),
    ]


def _ratio(above: Sequence[float], below: Sequence[float]) -> float:
    return median(above) / median(below)


@asynccontextmanager
async def _ready(panel: ServedPanel) -> AsyncIterator[None]:
    """Nobody's requests are counted."""
    async with store_of(panel):
        await lift_limits()
    yield


async def _p99_ms(panel: ServedPanel, path: str) -> float:
    times = await asyncio.gather(*(_times_ms(panel, path, ASKED // VISITORS) for _ in range(VISITORS)))
    return quantiles([one for many in times for one in many], n=100)[98]


async def _times_ms(panel: ServedPanel, path: str, count: int) -> list[float]:
    found = []
    async with httpx.AsyncClient(base_url=panel.url, headers=panel.client.headers, trust_env=False) as client:
        for _ in range(count + 1):
            started = time.perf_counter()
            (await client.get(path)).raise_for_status()
            found.append((time.perf_counter() - started) * 1000)
    return found[1:]  # the first opens the connection


@asynccontextmanager
async def _failing(panel: ServedPanel) -> AsyncIterator[None]:
    """Strangers keep asking for what fails."""
    task = asyncio.create_task(_fail_on(panel.url))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _fail_on(url: str) -> None:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as stranger:
        while True:
            await stranger.get("/api/v1/raising/things")
            await stranger.get("/api/v1/raising_too/things")
            await stranger.post("/api/v1/failing_job/jobs")
            await stranger.post("/api/v1/failing_subscriber/events")
            await asyncio.sleep(FAULT_EVERY_S)
