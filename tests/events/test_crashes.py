"""Several processes on one store, killed at bad moments: nothing is lost, nothing told that did not happen."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from textwrap import dedent

from muntin.database import App, close_database, execute, open_database, transaction
from muntin.events import EventEnvelope, Relay, Subscription
from muntin.events.delivery import LEASE_S
from muntin.events.models import Lane, OutboxRow, ResourceSequence
from muntin.jobs.locks import FileLocks
from muntin.testing.waiting import until

PRELUDE = """
import asyncio, sys
from uuid import UUID
from muntin.database import App, execute, open_database, transaction
from muntin.events import Event, Relay, Subscription

class ServerStarted(Event):
    type = "server.started"
    subject = "server_id"
    server_id: UUID

async def never(_):
    print("handling", flush=True)
    await asyncio.sleep(600)

async def main():
    await open_database(sys.argv[1], [App("core", "muntin.events.models", "muntin.events")])
"""
COMMIT_AND_WAIT = """
    async with transaction() as events:
        for _ in range(3):
            events.add(ServerStarted(server_id=UUID(int=1)))
    print("committed", flush=True)
    await asyncio.sleep(600)
"""
WAIT_BEFORE_COMMIT = """
    async with transaction() as events:
        events.add(ServerStarted(server_id=UUID(int=1)))
        await execute("UPDATE core_subscriber SET plugin = 'x'")
        print("not committed", flush=True)
        await asyncio.sleep(600)
"""
COUNT_UP = """
    from muntin.events.models import ResourceSequence
    async def count_up():
        async with transaction():
            row = await ResourceSequence.select_for_update().get(resource_type="counter")
            row.newest += 1
            await row.save()
    for _ in range(150):
        await asyncio.gather(*(count_up() for _ in range(4)))
    print("done", flush=True)
"""
DELIVER = """
    async with Relay([Subscription(name="tests", plugin="tests", event_types=("*",), handler=never, timeout_s=600)]):
        await asyncio.sleep(600)
"""
DELIVER_WITH_A_LOCK = """
    from pathlib import Path
    from muntin.jobs.locks import FileLocks
    locks = FileLocks(Path(sys.argv[2]))
    await locks.hold("first")
    tests = Subscription(name="tests", plugin="tests", event_types=("*",), handler=never, timeout_s=600)
    async with Relay([tests], worker="first", seize=locks.seize):
        await asyncio.sleep(600)
"""


async def run_until_it_says(body: str, url: str, words: str, *arguments: str) -> None:
    """Run a program until it prints `words`, then kill it by signal 9."""
    program = dedent(PRELUDE) + body + "\nasyncio.run(main())\n"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, url, *arguments,
        stdout=asyncio.subprocess.PIPE, env=os.environ | {"PYTHONPATH": ""},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            assert (await process.stdout.readline()).decode().strip() == words
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def test_read_then_write_of_two_processes_loses_no_update(store_url: str, events_app: App) -> None:
    await open_database(store_url, [events_app])
    await ResourceSequence.create(resource_type="counter", resource_id="1", newest=0)
    await close_database()

    await asyncio.gather(*(run_until_it_says(COUNT_UP, store_url, "done") for _ in range(2)))

    await open_database(store_url, [events_app])
    row = await ResourceSequence.get(resource_type="counter")
    await close_database()
    assert row.newest == 2 * 150 * 4


async def test_event_committed_just_before_a_kill_is_delivered_by_the_next_worker(
    store_url: str, events_app: App
) -> None:
    got: list[int] = []

    async def note(event: EventEnvelope) -> None:
        got.append(event.sequence)

    await run_until_it_says(COMMIT_AND_WAIT, store_url, "committed")

    await open_database(store_url, [events_app])
    async with Relay([Subscription(name="tests", plugin="tests", event_types=("*",), handler=note)]):
        await until(lambda: len(got) >= 3)
    await close_database()
    assert got == [1, 2, 3]


async def test_kill_before_the_commit_leaves_no_event(store_url: str, events_app: App) -> None:
    await run_until_it_says(WAIT_BEFORE_COMMIT, store_url, "not committed")

    await open_database(store_url, [events_app])
    rows = await OutboxRow.all().count()
    async with transaction():  # the killed process holds no lock any more
        await execute("UPDATE core_subscriber SET plugin = 'y'")
    await close_database()
    assert rows == 0


async def test_event_whose_handler_was_killed_is_handled_again(store_url: str, events_app: App) -> None:
    got: list[int] = []

    async def note(event: EventEnvelope) -> None:
        got.append(event.sequence)

    await open_database(store_url, [events_app])
    subscription = Subscription(name="tests", plugin="tests", event_types=("*",), handler=note)
    async with Relay([subscription]):
        await asyncio.sleep(0.05)
    await close_database()
    await run_until_it_says(COMMIT_AND_WAIT, store_url, "committed")
    await run_until_it_says(DELIVER, store_url, "handling")

    await open_database(store_url, [events_app])
    held = await Lane.filter(leased_by__isnull=False).count()
    async with Relay([subscription], clock=lambda: time.time() + LEASE_S, poll_s=0.05):
        await until(lambda: len(got) >= 3)
    await close_database()
    assert (held, got) == (1, [1, 2, 3])


async def test_event_of_a_worker_known_to_be_dead_is_handled_again_before_its_lease_ends(
    store_url: str, events_app: App, tmp_path: Path
) -> None:
    got: list[int] = []

    async def note(event: EventEnvelope) -> None:
        got.append(event.sequence)

    subscription = Subscription(name="tests", plugin="tests", event_types=("*",), handler=note)
    await open_database(store_url, [events_app])
    async with Relay([subscription]):
        pass
    await close_database()
    await run_until_it_says(COMMIT_AND_WAIT, store_url, "committed")
    await run_until_it_says(DELIVER_WITH_A_LOCK, store_url, "handling", str(tmp_path))

    await open_database(store_url, [events_app])
    [held] = await Lane.filter(leased_by="first")
    locks = FileLocks(tmp_path)
    just_before_s = held.leased_until_ms / 1000 - 1
    async with Relay([subscription], clock=lambda: just_before_s, worker="second", seize=locks.seize):
        await until(lambda: len(got) >= 3)
    await close_database()
    assert got == [1, 2, 3]


async def test_lanes_of_a_worker_that_lives_are_left_to_it(store_url: str, events_app: App, tmp_path: Path) -> None:
    async def is_released() -> bool:
        return not await Lane.filter(leased_by="dead").exists()

    alive = FileLocks(tmp_path)
    await alive.hold("first")
    await open_database(store_url, [events_app])
    for subscriber, worker in (("slow", "first"), ("other", "dead")):
        await Lane.create(
            subscriber=subscriber, resource_type="server", resource_id="1", position=0, upto=1,
            leased_by=worker, leased_until_ms=2**53,
        )  # fmt: skip

    async with Relay(worker="second", seize=FileLocks(tmp_path).seize):
        await until(is_released)
    left = await Lane.filter(leased_by__isnull=False).values_list("subscriber", "leased_by")
    await close_database()
    await alive.close()

    assert left == [("slow", "first")]
