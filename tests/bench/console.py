"""Five hundred people watch one console: every line to everybody, soon, in flat memory; and one who does not read."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.bench.children import free_port, listens, module
from tests.bench.figures import Figure, Options
from tests.bench.memory import child_called, pss_mib
from tests.bench.nodes import server_on_peer
from tests.bench.sleeper import Awoken, Sleeper

from muntin.testing.served import ServedPanel, served_panel

VIEWERS, LINES_PER_S, ROUND_S = 500, 200, 3.0
P99_MS, GROWTH_MIB = 250.0, 5.0


async def measure(options: Options) -> list[Figure]:
    """Rounds of three seconds each, with the sleeper asleep through all of them."""
    node_port = free_port()
    async with (
        module("node_peer", "console", str(node_port), str(LINES_PER_S)),
        served_panel(options.folder / "console") as panel,
    ):
        await listens(node_port)
        path = f"/api/v1/servers/{await server_on_peer(panel, node_port)}/ws"
        authorization, port = panel.client.headers["Authorization"], panel.url.rpartition(":")[2]
        sleeper = Sleeper(int(port), path, authorization)
        arguments = (port, path, authorization, str(VIEWERS), str(ROUND_S), str(options.rounds))
        rounds, memory = await _watch(panel, arguments, options.rounds)
        awoken = await asyncio.to_thread(sleeper.wake)
    return _figures(rounds, memory, awoken)


async def _watch(
    panel: ServedPanel, arguments: tuple[str, ...], rounds: int
) -> tuple[list[dict[str, float]], list[float]]:
    """What the viewers tell of each round, and the web process's memory before the first and after each."""
    web = child_called(panel.process.pid, "web")
    async with module("viewers", *arguments) as viewers:
        await _told(viewers)
        memory = [pss_mib(web)]
        told: list[dict[str, float]] = []
        for _round in range(rounds):
            told.append(await _told(viewers))
            memory.append(pss_mib(web))
    return told, memory


async def _told(viewers: asyncio.subprocess.Process) -> dict[str, Any]:
    assert viewers.stdout is not None
    line = await viewers.stdout.readline()
    if not line:
        raise RuntimeError("the viewers ended early; what they said stands above")
    answer: dict[str, Any] = json.loads(line)
    return answer


def _figures(rounds: list[dict[str, float]], memory: list[float], awoken: Awoken) -> list[Figure]:
    def column(name: str) -> tuple[float, ...]:
        return tuple(one[name] for one in rounds)

    delivered = tuple(one / ROUND_S for one in column("lines"))
    wrong = tuple(one["missing"] + one["closed"] for one in rounds)
    crowd = f"{VIEWERS} viewers, {LINES_PER_S} lines/s"
    wanted = 0.95 * VIEWERS * LINES_PER_S  # a round's edges cut through batches
    return [
        Figure(name=f"{crowd}: delivered", samples=delivered, unit="lines/s", at_least=wanted),
        Figure(name="lines missing or out of order, viewers lost", samples=wrong, at_most=0.0),
        Figure(name="from written to viewer, p50", samples=column("p50_ms"), unit="ms"),
        Figure(name="from written to viewer, p99", samples=column("p99_ms"), unit="ms", at_most=P99_MS),
        Figure(name="web process, PSS above the first", samples=tuple(one - memory[0] for one in memory[1:]),
               unit="MiB", at_most=GROWTH_MIB, note=f"{memory[0]:.0f} MiB at first"),
        Figure(name="a viewer that slept: lines told as skipped", samples=(float(awoken.skipped),), at_least=1.0),
        Figure(name="a viewer that slept: lines unaccounted for", samples=(float(awoken.unaccounted),), at_most=0.0),
    ]  # fmt: skip
