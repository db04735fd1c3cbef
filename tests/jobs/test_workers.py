"""Jobs in real worker processes that are killed, restarted and stopped."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from muntin.bus import Bus, open_bus
from muntin.bus.hub import Hub
from muntin.bus.postgres import plain_url
from muntin.configuration import Configuration
from muntin.database import transaction
from muntin.jobs import JobState, announce_jobs, cancel_job, enqueue, find_job, list_jobs, retry_job
from muntin.testing.forks import Fork, Forks

PROGRAM = Path(__file__).with_name("worker_program.py")
Condition = Callable[[], Awaitable[object]]


async def until(condition: Condition, *, timeout_s: float = 50.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not await condition():  # noqa: ASYNC110 - a database and files tell nobody
            await asyncio.sleep(0.03)


class Workers:
    """Worker processes on one store, and what they did outside."""

    def __init__(self, configuration: Configuration, forks: Forks) -> None:
        self.configuration = configuration
        self._forks = forks
        self.proof_file = configuration.data_dir / "proof"
        self._running: list[Fork] = []

    @property
    def proof(self) -> list[str]:
        return self.proof_file.read_text().splitlines() if self.proof_file.exists() else []

    async def start(self, *flags: str) -> Fork:
        seen = self.count("worker")
        process = await self._forks.start(
            str(PROGRAM), self.configuration.database_url, str(self.configuration.data_dir), str(self.proof_file),
            *flags, environment=os.environ, log=self.configuration.data_dir / "workers.log",
        )  # fmt: skip
        self._running.append(process)
        await self.seen("worker", times=seen + 1)
        return process

    def go_on(self) -> None:
        """End the waiting step of `shop.slow_order`."""
        self.proof_file.with_name("go-on").touch()

    def count(self, beginning: str) -> int:
        return sum(line.startswith(beginning) for line in self.proof)

    async def seen(self, beginning: str, *, times: int = 1) -> None:
        async def is_there() -> bool:
            return self.count(beginning) >= times

        await until(is_there)

    async def end(self, process: Fork, number: signal.Signals) -> int:
        if process.returncode is None:
            process.send_signal(number)
        return await asyncio.wait_for(process.wait(), 60)

    async def end_all(self) -> None:
        for process in self._running:
            await self.end(process, signal.SIGKILL)


@pytest.fixture
async def bus(configuration: Configuration) -> AsyncIterator[Bus]:
    hub = Hub(configuration.bus_path)
    await hub.open()
    bus = await open_bus(configuration)
    stop = announce_jobs(bus)
    yield bus
    stop()
    await bus.close()
    await hub.close()


@pytest.fixture
async def workers(configuration: Configuration, bus: Bus, forks: Forks) -> AsyncIterator[Workers]:
    workers = Workers(configuration, forks)
    yield workers
    await workers.end_all()


async def queue(name: str, count: int = 1, **arguments: Any) -> list[Any]:
    async with transaction() as events:
        if count == 1:
            return [await enqueue(events, name, **arguments)]
        return [await enqueue(events, name, number=number) for number in range(count)]


async def count_jobs(state: JobState) -> int:
    return len(await list_jobs(state=state, limit=1000))


async def state_is(job_id: Any, state: JobState) -> bool:
    return (await find_job(job_id)).state is state


async def test_no_job_is_lost_when_its_worker_is_killed_in_the_middle(workers: Workers) -> None:
    job_ids = await queue("core.touch", 150)
    first = await workers.start()
    await workers.seen("touch", times=50)

    await workers.end(first, signal.SIGKILL)
    done_before = await count_jobs(JobState.DONE)
    await workers.start()
    await until(lambda: _all_done(150))

    effects = Counter(line.split()[1] for line in workers.proof if line.startswith("touch"))
    assert 0 < done_before < 150
    assert set(effects) == {str(job_id) for job_id in job_ids}
    assert sum(effects.values()) - 150 <= 10  # at least once: what ran in that moment may run again, not more


async def _all_done(count: int) -> bool:
    return await count_jobs(JobState.DONE) == count


async def test_killed_sagas_end_either_whole_or_undone(workers: Workers) -> None:
    await queue("shop.order", 20)
    first = await workers.start()
    await workers.seen("reserve", times=6)

    await workers.end(first, signal.SIGKILL)
    await workers.start()

    async def is_over() -> bool:
        return await count_jobs(JobState.DONE) == 10 and await count_jobs(JobState.FAILED) == 10

    await until(is_over)
    effects = set(workers.proof)
    assert {number for number in range(20) if f"create {number}" in effects} == set(range(0, 20, 2))
    assert {number for number in range(20) if f"release {number}" in effects} == set(range(1, 20, 2))


async def test_live_worker_takes_over_from_a_dead_one_but_not_from_a_living_one(workers: Workers) -> None:
    [job_id] = await queue("shop.slow_order")
    first = await workers.start()
    await workers.seen("wait")
    second = await workers.start()
    await asyncio.sleep(0.3)
    assert workers.count("wait") == 1

    await workers.end(first, signal.SIGKILL)
    await workers.seen("wait", times=2)
    workers.go_on()
    await until(lambda: state_is(job_id, JobState.DONE))

    assert [line for line in workers.proof if not line.startswith("worker")] == [
        "reserve 7", "wait", "wait", "create 8",
    ]  # fmt: skip
    assert (await find_job(job_id)).attempts == 2
    assert await workers.end(second, signal.SIGTERM) == 0


async def test_stopped_worker_gives_its_task_back_uncounted(workers: Workers) -> None:
    [job_id] = await queue("core.sleep")
    first = await workers.start()
    await workers.seen("sleep 1")

    assert await workers.end(first, signal.SIGTERM) == 0

    job = await find_job(job_id)
    assert (job.state, job.attempts) == (JobState.QUEUED, 0)


async def test_running_task_is_cancelled(workers: Workers) -> None:
    [job_id] = await queue("core.sleep")
    await workers.start()
    await workers.seen("sleep 1")

    await cancel_job(job_id)
    await until(lambda: state_is(job_id, JobState.CANCELLED))


async def test_task_that_kills_its_worker_each_time_fails_in_the_end_and_can_be_retried(workers: Workers) -> None:
    [job_id] = await queue("core.die")
    for _ in range(2):
        worker = await workers.start()
        await asyncio.wait_for(worker.wait(), 60)
    await workers.start()

    await until(lambda: state_is(job_id, JobState.FAILED))

    assert [line for line in workers.proof if line.startswith("die")] == ["die 1", "die 2"]
    assert (await find_job(job_id)).error == "The worker died during each of 2 attempts."
    assert (await retry_job(job_id)).state is JobState.QUEUED


async def test_disabling_a_plugin_parks_its_running_jobs_and_enabling_goes_on_with_them(workers: Workers) -> None:
    [saga_id], [task_id] = await queue("shop.slow_order"), await queue("shop.sleep")
    worker = await workers.start()
    await workers.seen("wait")
    await workers.seen("sleep 1")

    worker.send_signal(signal.SIGUSR1)
    await workers.seen("shop off")
    parked = [await find_job(job_id) for job_id in (saga_id, task_id)]
    [core_id] = await queue("core.touch", number=1)
    await until(lambda: state_is(core_id, JobState.DONE))
    workers.go_on()
    worker.send_signal(signal.SIGUSR1)
    await workers.seen("shop on")
    await until(lambda: state_is(saga_id, JobState.DONE))
    await workers.seen("sleep 1", times=2)

    assert [job.state for job in parked] == [JobState.PARKED, JobState.PARKED]
    assert workers.count("reserve 7") == 1  # what the saga had done before is not done again
    assert workers.count("create 8") == 1


async def test_job_left_by_a_worker_with_more_plugins_waits_and_is_not_stranded(workers: Workers) -> None:
    [job_id] = await queue("shop.slow_order")
    first = await workers.start()
    await workers.seen("wait")
    await workers.end(first, signal.SIGKILL)

    second = await workers.start("without-shop")
    await until(lambda: state_is(job_id, JobState.PARKED))
    await workers.end(second, signal.SIGTERM)
    workers.go_on()
    await workers.start()
    await until(lambda: state_is(job_id, JobState.DONE))

    assert workers.count("reserve 7") == 1


async def test_queued_job_starts_at_once(workers: Workers, bus: Bus) -> None:
    await workers.start("seldom-looks")  # every 5 s
    loop = asyncio.get_running_loop()
    took_s = []
    for number in range(10):
        before_s = loop.time()
        [job_id] = await queue("core.touch", number=number)
        while not any(str(job_id) in line for line in workers.proof):  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.002)
        took_s.append(loop.time() - before_s)

    assert sorted(took_s)[5] < 2, took_s


@pytest.mark.parametrize("store_server", ["postgresql"], indirect=True)  # SQLite has no connection to cut
async def test_jobs_outlive_a_database_that_hangs_up_on_everybody(workers: Workers) -> None:
    async with transaction() as events:
        for number in range(20):
            await enqueue(events, "core.touch", number=number)
            await enqueue(events, "shop.order", number=number * 2)
    await workers.start()
    await workers.seen("reserve", times=3)

    connection = await asyncpg.connect(plain_url(workers.configuration.store_url))
    for _ in range(3):
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND pid NOT IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')"
        )
        await asyncio.sleep(0.1)
    await connection.close()

    await until(lambda: _all_done(40))


@pytest.mark.parametrize("store_server", ["postgresql"], indirect=True)  # a file's lock is not lost while one lives
async def test_worker_that_lost_its_lock_stops_itself(workers: Workers) -> None:
    worker = await workers.start()

    connection = await asyncpg.connect(plain_url(workers.configuration.store_url))
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database ="
        " (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    await connection.close()

    assert await asyncio.wait_for(worker.wait(), 60) == 1
    assert workers.proof[-1] == "lost"


async def test_one_plugins_many_jobs_leave_room_for_the_others(workers: Workers) -> None:
    await workers.start()
    for _number in range(12):
        await queue("core.sleep")
    await workers.seen("sleep", times=8)

    await queue("shop.slow_order")
    await workers.seen("wait")

    assert workers.count("sleep") == 8
    workers.go_on()
