"""A small worker for the tests: `python worker_program.py DATABASE_URL DATA_DIR PROOF_FILE [flags]`.

Each outside effect is a line appended to the proof file. Flags: `without-shop`, `seldom-looks`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import uvloop

from muntin.bus import Json, open_bus
from muntin.configuration import Configuration
from muntin.database import App, close_database, open_database
from muntin.jobs import JobContext, JobEngine, Saga, SagaContext, Task

APPS = [App("core", ("muntin.jobs.models", "muntin.bus.models"), "")]
PROOF = Path(sys.argv[3])


def note(text: str) -> None:
    with PROOF.open("a") as file:
        file.write(f"{text}\n")


async def touch(context: JobContext, number: int) -> Json:
    note(f"touch {context.id} {number}")
    await asyncio.sleep(0.02)
    return number


async def sleep(context: JobContext) -> Json:
    note(f"sleep {context.attempt}")
    await asyncio.sleep(60)
    return None


async def die(context: JobContext) -> Json:
    note(f"die {context.attempt}")
    os.kill(os.getpid(), signal.SIGKILL)
    return None


async def reserve(number: int) -> Json:
    note(f"reserve {number}")
    await asyncio.sleep(0.02)
    return {"number": number}


async def release(reserved: dict[str, int]) -> None:
    note(f"release {reserved['number']}")


async def create(number: int) -> Json:
    await asyncio.sleep(0.02)
    if number % 2:
        raise RuntimeError("no room")
    note(f"create {number}")
    return None


async def order(context: SagaContext, number: int) -> Json:
    await context.step(reserve, number, undo=release)
    await context.step(create, number, attempts=1)
    return number


async def wait() -> Json:
    """Until the test says go on."""
    note("wait")
    while not PROOF.with_name("go-on").exists():  # noqa: ASYNC110 - a file tells nobody
        await asyncio.sleep(0.02)
    return None


async def slow_order(context: SagaContext) -> Json:
    await context.step(reserve, 7)
    await context.step(wait)
    await context.step(create, 8)
    return "slow"


SHOP: list[Task | Saga] = [
    Saga(name="shop.order", handler=order),
    Saga(name="shop.slow_order", handler=slow_order),
    Task(name="shop.sleep", handler=sleep, max_attempts=1),
]
CORE: list[Task | Saga] = [
    Task(name="core.touch", handler=touch),
    Task(name="core.sleep", handler=sleep, max_attempts=1),
    Task(name="core.die", handler=die, max_attempts=2),
]


async def main() -> None:
    configuration = Configuration(database_url=sys.argv[1], data_dir=Path(sys.argv[2]), _env_file=None)
    with_shop = "without-shop" not in sys.argv
    sweep_s = 5.0 if "seldom-looks" in sys.argv else 0.3
    stop, switch = asyncio.Event(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, switch.set)
    await open_database(configuration.store_url, APPS)
    bus = await open_bus(configuration)
    engine = await JobEngine.open(configuration, [*CORE, *SHOP] if with_shop else CORE, bus=bus, sweep_s=sweep_s)
    note(f"worker {engine.worker_id}")
    while not stop.is_set():
        waits = [asyncio.create_task(event.wait()) for event in (stop, switch, engine.lost)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in waits:
            task.cancel()
        if engine.lost.is_set():
            note("lost")
            os._exit(1)
        if switch.is_set():
            switch.clear()
            with_shop = not with_shop
            await engine.use([*CORE, *SHOP] if with_shop else CORE)
            note(f"shop {'on' if with_shop else 'off'}")
    await engine.close(drain_s=0.5)
    await bus.close()
    await close_database()


uvloop.run(main())
