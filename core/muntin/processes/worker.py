"""A worker process: `python -m muntin.processes worker`. Delivers events and runs jobs."""

from __future__ import annotations

import asyncio
import gc
import signal

import uvloop

from muntin import logs
from muntin.configuration import Configuration
from muntin.panel import Panel
from muntin.plugins.modules import plugin_of_module
from muntin.processes.memory import bound_memory
from muntin.supervisor.child import Supervised
from muntin.supervisor.watchdog import Watchdog
from muntin.worker import Worker


def main() -> None:
    """Work until SIGTERM."""
    configuration = Configuration()
    supervised = Supervised.attach()
    logs.configure(configuration.log_format, supervised.name or "worker")
    uvloop.run(_work(Panel(configuration, process="worker"), supervised))


async def _work(panel: Panel, supervised: Supervised) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await panel.open()
    worker = Worker(panel)
    await worker.start()
    panel.bus.subscribe("supervisor.roll", lambda _topic, data: supervised.roll(data))
    gc.collect()
    gc.freeze()  # what is there by now stays; the collector need not look at it again
    limit_mib = bound_memory(panel.configuration)
    watchdog = Watchdog(supervised, plugin_of_module(panel.registry), memory_mib=limit_mib)
    watchdog.open()
    supervised.ready()
    await asyncio.wait(
        {asyncio.create_task(stop.wait()), asyncio.create_task(worker.lost.wait())},
        return_when=asyncio.FIRST_COMPLETED,
    )
    watchdog.close()
    await worker.stop()
    await panel.close()
