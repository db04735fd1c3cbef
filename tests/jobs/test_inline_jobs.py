"""What jobs do, seen without a worker."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from muntin.bus import Json
from muntin.bus.local import LocalBus
from muntin.database import transaction
from muntin.jobs import (
    Cron,
    Job,
    JobContext,
    JobNotCancellable,
    JobNotFound,
    JobNotRetryable,
    JobState,
    Saga,
    SagaContext,
    StepFailed,
    Task,
    announce_jobs,
    cancel_job,
    enqueue,
    find_job,
    list_jobs,
    purge_jobs,
    retry_job,
)
from muntin.jobs.desk import delete_old_jobs
from muntin.jobs.handlers import InvalidContribution
from muntin.jobs.testing import FakeClock, MemoryJournal, run_pending

pytestmark = pytest.mark.usefixtures("configuration")


async def double(context: JobContext, number: int) -> Json:
    await context.progress(50, "half")
    return {"doubled": number * 2, "attempt": context.attempt}


DOUBLE = Task(name="maths.double", handler=double)


def summary(jobs: list[Job]) -> list[tuple[str, JobState, Any]]:
    return [(job.name, job.state, job.result) for job in jobs]


async def test_job_queued_in_a_transaction_that_commits_runs_once_and_keeps_its_result() -> None:
    async with transaction() as events:
        job_id = await enqueue(events, "maths.double", number=21)

    first, second = await run_pending([DOUBLE]), await run_pending([DOUBLE])

    job = await find_job(job_id)
    assert first == [job]
    assert second == []
    assert (job.state, job.result, job.attempts) == (JobState.DONE, {"doubled": 42, "attempt": 1}, 1)
    assert (job.plugin, job.arguments, job.progress_percent, job.progress_text) == (
        "maths", {"number": 21}, 100, "half",
    )  # fmt: skip
    assert job.finished_at is not None and job.finished_at.tzinfo is not None


async def test_job_queued_in_a_transaction_that_is_rolled_back_never_was() -> None:
    with pytest.raises(ZeroDivisionError):
        async with transaction() as events:
            await enqueue(events, "maths.double", number=21)
            raise ZeroDivisionError

    assert await run_pending([DOUBLE]) == []
    assert await list_jobs() == []


async def test_same_key_is_the_same_job() -> None:
    async with transaction() as events:
        ids = [await enqueue(events, "maths.double", key="invoice-7", number=number) for number in (1, 2)]
        other = await enqueue(events, "maths.double", key="invoice-8", number=3)

    assert ids[0] == ids[1] != other
    assert [job.result["doubled"] for job in await run_pending([DOUBLE])] == [2, 6]


@pytest.mark.parametrize(
    ("name", "arguments", "error"), [("double", {}, ValueError), ("maths.double", {"number": object()}, TypeError)]
)
async def test_what_cannot_be_queued_is_refused(name: str, arguments: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        async with transaction() as events:
            await enqueue(events, name, **arguments)

    assert await list_jobs() == []


async def test_failing_task_is_tried_again_later_and_later_then_rests_as_dead_letter_until_retried() -> None:
    clock, attempts, is_mended = FakeClock(), [], False

    async def flaky(context: JobContext) -> Json:
        attempts.append((context.id, context.attempt))
        if not is_mended:
            raise RuntimeError("node away")
        return "mended"

    task = Task(name="nodes.ping", handler=flaky, max_attempts=3, backoff_s=10)
    async with transaction() as events:
        job_id = await enqueue(events, "nodes.ping")
    counts = []
    for seconds in (1, 1, 10, 10, 11):
        clock.advance(seconds)
        await run_pending([task], clock=clock)
        counts.append(len(attempts))

    dead = await find_job(job_id)
    assert counts == [1, 1, 2, 2, 3]
    assert attempts == [(job_id, 1), (job_id, 2), (job_id, 3)]
    assert (dead.state, dead.error) == (JobState.FAILED, "RuntimeError: node away")
    assert await list_jobs(state=JobState.FAILED) == [dead]
    is_mended = True
    assert (await retry_job(job_id)).state is JobState.QUEUED
    await run_pending([task], clock=clock)
    mended = await find_job(job_id)
    assert (mended.state, mended.result, mended.error, mended.attempts) == (JobState.DONE, "mended", None, 1)


async def test_delayed_job_waits_for_its_time() -> None:
    clock = FakeClock()
    async with transaction() as events:
        await enqueue(events, "maths.double", delay_s=60, number=1)

    before = await run_pending([DOUBLE], clock=clock)
    clock.advance(61)
    after = await run_pending([DOUBLE], clock=clock)

    assert before == []
    assert summary(after) == [("maths.double", JobState.DONE, {"doubled": 2, "attempt": 1})]


async def test_task_that_takes_too_long_returns_junk_or_exits_costs_only_itself() -> None:
    async def slow(context: JobContext) -> Json:
        await asyncio.sleep(5)
        return None

    async def junk(context: JobContext) -> Any:
        return object()

    async def leaves(context: JobContext) -> Json:
        raise SystemExit(3)

    tasks = [
        Task(name="bad.slow", handler=slow, max_attempts=1, timeout_s=0.02),
        Task(name="bad.junk", handler=junk, max_attempts=1),
        Task(name="bad.leaves", handler=leaves, max_attempts=1),
        Task(name="bad.arguments", handler=double, max_attempts=1),
    ]
    async with transaction() as events:
        for task in tasks:
            await enqueue(events, task.name)

    jobs = await run_pending(tasks)

    assert [job.state for job in jobs] == [JobState.FAILED] * 4
    assert [job.error for job in jobs] == [
        "took longer than 0.02 s",
        "TypeError: Object of type object is not JSON serializable",
        "SystemExit: 3",
        "TypeError: double() missing 1 required positional argument: 'number'",
    ]


class Shop:
    """Outside effects of a saga, and what was done to them."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.fails_at = ""

    def does(self, what: str) -> Any:
        async def step(*arguments: Json) -> Json:
            self.log.append(what)
            if what == self.fails_at:
                raise ConnectionError("no answer")
            return {"done": what, "arguments": list(arguments)}

        step.__name__ = what
        return step

    async def order(self, context: SagaContext, item: str) -> Json:
        reserved: Json = await context.step(self.does("reserve"), item, undo=self.does("release"))
        await context.step(self.does("pay"), 500, undo=self.does("refund"))
        await context.step(self.does("create"), attempts=2, backoff_s=0.001)
        return reserved


async def test_saga_keeps_its_steps_answers() -> None:
    shop = Shop()
    async with transaction() as events:
        await enqueue(events, "shop.order", item="ax")

    jobs = await run_pending([Saga(name="shop.order", handler=shop.order)])

    assert summary(jobs) == [("shop.order", JobState.DONE, {"done": "reserve", "arguments": ["ax"]})]
    assert shop.log == ["reserve", "pay", "create"]


async def test_failed_saga_undoes_its_steps_in_reverse() -> None:
    shop = Shop()
    shop.fails_at = "create"
    async with transaction() as events:
        await enqueue(events, "shop.order", item="ax")

    [job] = await run_pending([Saga(name="shop.order", handler=shop.order)])

    assert shop.log == ["reserve", "pay", "create", "create", "refund", "release"]
    assert (job.state, job.error) == (JobState.FAILED, "StepFailed: create: ConnectionError: no answer")


async def test_saga_may_bear_a_step_that_fails() -> None:
    shop = Shop()
    shop.fails_at = "greet"

    async def handler(context: SagaContext) -> Json:
        try:
            await context.step(shop.does("greet"), attempts=1)
        except StepFailed as error:
            return str(error)
        return None

    async with transaction() as events:
        await enqueue(events, "shop.greet")

    [job] = await run_pending([Saga(name="shop.greet", handler=handler)])

    assert (job.state, job.result) == (JobState.DONE, "greet: ConnectionError: no answer")


async def test_saga_cancelled_in_the_middle_is_undone() -> None:
    shop = Shop()

    async def handler(context: SagaContext) -> Json:
        await context.step(shop.does("reserve"), undo=shop.does("release"))
        await cancel_job(context.id)
        await context.step(shop.does("pay"), undo=shop.does("refund"))
        return None

    async with transaction() as events:
        job_id = await enqueue(events, "shop.order")

    await run_pending([Saga(name="shop.order", handler=handler)], journal=MemoryJournal())

    assert shop.log == ["reserve", "release"]
    assert (await find_job(job_id)).state is JobState.CANCELLED


async def test_waiting_job_is_cancelled_at_once_and_what_is_over_cannot_be() -> None:
    async with transaction() as events:
        waiting = await enqueue(events, "maths.double", number=1)
        done = await enqueue(events, "maths.double", number=2)

    cancelled = await cancel_job(waiting)
    await run_pending([DOUBLE])

    assert cancelled.state is JobState.CANCELLED
    for job_id in (waiting, done):
        with pytest.raises(JobNotCancellable):
            await cancel_job(job_id)
    with pytest.raises(JobNotRetryable):
        await retry_job(done)
    for unknown in (cancel_job(uuid4()), retry_job(uuid4()), find_job(uuid4())):
        with pytest.raises(JobNotFound):
            await unknown


async def test_jobs_of_a_disabled_plugin_are_parked_and_go_on_when_it_is_enabled() -> None:
    async with transaction() as events:
        job_id = await enqueue(events, "maths.double", number=4)

    await run_pending([])
    parked = await find_job(job_id)
    jobs = await run_pending([DOUBLE])

    assert parked.state is JobState.PARKED
    assert summary(jobs) == [("maths.double", JobState.DONE, {"doubled": 8, "attempt": 1})]


async def test_purge_cancels_and_lists_what_a_plugin_still_had_to_do() -> None:
    other = Task(name="other.double", handler=double)
    async with transaction() as events:
        done = await enqueue(events, "maths.double", number=1)
    await run_pending([DOUBLE])
    async with transaction() as events:
        parked = await enqueue(events, "maths.double", number=2)
        await enqueue(events, "other.double", number=3)
    await run_pending([other])

    purged = await purge_jobs("maths")

    assert [(job.id, job.state) for job in purged] == [(parked, JobState.PARKED)]
    assert (await find_job(parked)).state is JobState.CANCELLED
    assert (await find_job(done)).state is JobState.DONE


async def test_cron_fires_at_its_times_once_and_makes_up_for_missed_ones_once() -> None:
    start = datetime(2031, 5, 1, 12, 0, 30, tzinfo=UTC).timestamp()
    cron = Cron(name="maths.hourly", expression="0 * * * *", task="maths.double", arguments={"number": 1})
    times = (start, start + 60, start + 3600, start + 3610, start + 5 * 3600)

    ran = [len(await run_pending([DOUBLE, cron], clock=FakeClock(now_s))) for now_s in times]

    assert ran == [0, 0, 1, 0, 1]


@pytest.mark.parametrize(
    ("contributions", "words"),
    [
        ([DOUBLE, DOUBLE], "two jobs are called maths.double"),
        ([Cron(name="a.b", expression="0 * * * *", task="a.c")], "a.b: there is no job called a.c"),
        ([DOUBLE, Cron(name="a.b", expression="@daily", task="maths.double")], "a.b: '@daily' is not five fields"),
    ],
)
async def test_set_that_contradicts_itself_is_refused(contributions: list[Any], words: str) -> None:
    with pytest.raises(InvalidContribution, match=words):
        await run_pending(contributions)


async def test_changes_are_told_on_the_bus_after_the_commit() -> None:
    bus, heard = LocalBus(), []
    bus.subscribe("jobs.*", lambda topic, data: heard.append((topic, data)))
    stop = announce_jobs(bus)

    async with transaction() as events:
        job_id = await enqueue(events, "maths.double", number=1)
        before_commit = list(heard)
    await run_pending([DOUBLE])
    stop()

    changed = {"id": str(job_id), "name": "maths.double"}
    assert before_commit == []
    assert heard == [
        ("jobs.queued", None),
        ("jobs.changed", {**changed, "state": "running", "percent": 0, "text": ""}),
        ("jobs.changed", {**changed, "state": "running", "percent": 50, "text": "half"}),
        ("jobs.changed", {**changed, "state": "done", "percent": 100, "text": "half"}),
    ]


async def test_old_jobs_can_be_deleted() -> None:
    async with transaction() as events:
        await enqueue(events, "maths.double", number=1)
    await run_pending([DOUBLE])

    assert await delete_old_jobs(days=1) == 0
    assert await delete_old_jobs(days=-1) == 1
    assert await list_jobs() == []
