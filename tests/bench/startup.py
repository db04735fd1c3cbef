"""From `muntin up` to the first answer with the data there, and the memory of everything after idling."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from tests.bench.figures import Figure, Measure, Options, rotate
from tests.bench.memory import pss_of_tree

from muntin.testing.served import served_panel

SUPERVISOR_MIB, ALL_MIB = 25.0, 380.0
LOOKS = 10


async def measure(options: Options) -> list[Figure]:
    """Seconds to the first answer, beside a bare interpreter's; MiB per process, the agent included."""
    async with served_panel(options.folder / "startup", {"MUNTIN_LOCAL_NODE": "always"}) as panel:
        environment = {**os.environ, **panel.environment}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # a panel that is installed has its bytecode on the disk
    async with _running(environment):
        pass  # and now ours has, too
    targets: dict[str, Measure] = {"interpreter": _interpreter, "up": lambda: _up(environment)}
    samples = await rotate(targets, options.rounds)
    return [
        Figure(name="bare interpreter", samples=samples["interpreter"], unit="s"),
        Figure(name="`muntin up` to first answer", samples=samples["up"], unit="s", at_most=3.0),
        *await _memory(environment, options.idle_s),
    ]


async def _interpreter() -> float:
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "pass")
    await process.wait()
    return time.perf_counter() - started


async def _up(environment: Mapping[str, str]) -> float:
    started = time.perf_counter()
    async with _running(environment):
        return time.perf_counter() - started


@asynccontextmanager
async def _running(environment: Mapping[str, str]) -> AsyncIterator[int]:
    """A panel that has answered its first request; its process id."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "muntin.cli", "up", env=environment,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(60):
            await _first_answer(environment["MUNTIN_BIND"])
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()


async def _first_answer(bind: str) -> None:
    host, _colon, port = bind.rpartition(":")
    while True:
        try:
            reader, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            await asyncio.sleep(0.005)
            continue
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        if answer.startswith(b"HTTP/1.1 200"):
            return


async def _memory(environment: Mapping[str, str], idle_s: float) -> list[Figure]:
    looks: list[dict[str, float]] = []
    async with _running(environment) as pid:
        await asyncio.sleep(idle_s)
        for _look in range(LOOKS):
            looks.append(pss_of_tree(pid))
            await asyncio.sleep(0.5)
    bounds = {"supervisor": SUPERVISOR_MIB}
    note = f"after {idle_s:.0f} s idle"
    figures = [
        Figure(name=f"PSS, {name}", samples=tuple(look.get(name, 0.0) for look in looks), unit="MiB",
               at_most=bounds.get(name), note=note)
        for name in looks[0]
    ]  # fmt: skip
    total = tuple(sum(look.values()) for look in looks)
    return [*figures, Figure(name="PSS, all together", samples=total, unit="MiB", at_most=ALL_MIB, note=note)]
