"""Limits, in one process and across several."""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from muntin.bus.counters import Limits, LimitState
from muntin.bus.hub import Hub
from muntin.bus.local import LocalBus
from muntin.testing.waiting import until

AT = 1_000_000_020.0
_numbers = itertools.count()
HITTER = """
import asyncio, sys
from pathlib import Path
from muntin.bus.counters import Limits
from muntin.bus.unix import UnixBus

async def main():
    bus = UnixBus(Path(sys.argv[1]))
    limits = Limits(bus)
    await bus.open()
    limits.open()
    await bus.flush()
    print("ready", flush=True)
    while asked := await asyncio.to_thread(sys.stdin.readline):
        bucket, count = asked.split()
        print(sum(limits.hit(bucket, limit=100, window_s=10**9).allowed for _ in range(int(count))), flush=True)
    limits.close()
    await bus.close()

asyncio.run(main())
"""


async def test_hits_are_counted_down_refused_and_begin_afresh_with_the_window() -> None:
    now = [AT]
    limits = Limits(LocalBus(), clock=lambda: now[0])

    states = [limits.hit("key:a", limit=2, window_s=60) for _ in range(3)]
    other = limits.hit("key:b", limit=2, window_s=60)
    now[0] += 60
    later = limits.hit("key:a", limit=2, window_s=60)

    ends = 1_000_000_080
    assert states == [LimitState(2, 1, ends, True), LimitState(2, 0, ends, True), LimitState(2, 0, ends, False)]
    assert other == LimitState(2, 1, ends, True)
    assert later == LimitState(2, 1, ends + 60, True)
    limits.close()


async def test_process_that_starts_later_learns_what_was_counted_even_by_those_who_are_gone() -> None:
    bus = LocalBus()
    gone, middle, fresh = (Limits(bus, clock=lambda: AT, share_s=0.001) for _ in range(3))
    gone.hit("key:a", limit=5, window_s=60)
    gone.close()
    await asyncio.sleep(0.01)
    middle.hit("key:a", limit=5, window_s=60)

    fresh.open()
    await asyncio.sleep(0.01)

    assert fresh.hit("key:a", limit=5, window_s=60) == LimitState(5, 2, 1_000_000_080, True)
    middle.close()
    fresh.close()


class Hitter:
    """A process that counts on the same limits: 100 in a window that does not end."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None and process.stdout is not None
        self.process, self._to, self._from = process, process.stdin, process.stdout

    async def hit(self, bucket: str, count: int) -> int:
        """How many of these hits were allowed."""
        self._to.write(f"{bucket} {count}\n".encode())
        return int(await self._from.readline())

    async def has_heard(self, other: Hitter) -> None:
        """Until it knows what the other one counted before."""
        bucket = f"key:until-{next(_numbers)}"  # sums are told together or in their order
        await other.hit(bucket, 100)
        await until(lambda: self._refuses(bucket))

    async def _refuses(self, bucket: str) -> bool:
        return await self.hit(bucket, 1) == 0

    async def end(self) -> None:
        self._to.close()
        await self.process.wait()


@pytest.fixture
async def hitters(tmp_path: Path) -> AsyncIterator[list[Hitter]]:
    hub = Hub(tmp_path / "bus.sock")
    await hub.open()
    pipe = asyncio.subprocess.PIPE
    command = [sys.executable, "-c", HITTER, str(tmp_path / "bus.sock")]
    processes = [await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe) for _ in range(2)]
    for process in processes:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    hitters = [Hitter(process) for process in processes]
    yield hitters
    for hitter in hitters:
        await hitter.end()
    await hub.close()


async def test_two_processes_share_a_limit(hitters: list[Hitter]) -> None:
    one, other = hitters

    by_one = await one.hit("key:a", 60)
    await other.has_heard(one)
    by_other = await other.hit("key:a", 100)
    await one.has_heard(other)

    assert (by_one, by_other, await one.hit("key:a", 1)) == (60, 40, 0)


async def test_a_hit_costs_microseconds() -> None:
    limits = Limits(LocalBus())
    limits.hit("key:a", limit=10**9, window_s=60)

    before = time.process_time()
    for _ in range(10_000):
        limits.hit("key:a", limit=10**9, window_s=60)
    took_us = (time.process_time() - before) * 100

    assert took_us < 20
    limits.close()
