"""A web process: `python -m muntin.processes web`. Serves on the socket the supervisor bound; runs no jobs."""

from __future__ import annotations

import asyncio
import gc
import signal

import uvloop
from hypercorn.asyncio import serve
from hypercorn.config import Config

from muntin import logs
from muntin.app import PanelApp, create_app
from muntin.configuration import Configuration
from muntin.connections import MAX_MESSAGE_BYTES
from muntin.events import on_written
from muntin.jobs import announce_jobs
from muntin.plugins.modules import plugin_of_module
from muntin.processes.memory import bound_memory
from muntin.supervisor.child import Supervised
from muntin.supervisor.watchdog import Watchdog
from muntin.worker import WRITTEN

DRAIN_S = 10.0


def main() -> None:
    """Serve until SIGTERM, then finish what is under way."""
    supervised = Supervised.attach()
    if not supervised.wait_for_go():
        return
    configuration = Configuration()
    logs.configure(configuration.log_format, supervised.name or "web")
    uvloop.run(_serve(create_app(configuration), supervised))


async def _serve(app: PanelApp, supervised: Supervised) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    limit_mib = bound_memory(app.panel.configuration)
    watchdog = Watchdog(supervised, plugin_of_module(app.panel.registry), memory_mib=limit_mib)

    @app.before_serving
    async def _ready() -> None:
        announce_jobs(app.panel.bus)
        on_written(lambda: app.panel.bus.publish(WRITTEN))
        app.panel.bus.subscribe("supervisor.roll", lambda _topic, data: supervised.roll(data))
        gc.collect()
        gc.freeze()  # what is there by now stays; the collector need not look at it again
        watchdog.open()
        loop.call_soon(supervised.ready)

    async def _until_told() -> None:
        await stop.wait()
        watchdog.close()
        app.panel.connections.end_all()

    inherited = supervised.listening_socket()
    bind = f"fd://{inherited.detach()}" if inherited else app.panel.configuration.bind
    await serve(app, server_config(bind), shutdown_trigger=_until_told)


def server_config(bind: str) -> Config:
    """Hypercorn's settings: one process, long keep-alive, no log of its own."""
    config = Config()
    config.bind = [bind]
    config.accesslog = None
    config.errorlog = None
    config.graceful_timeout = DRAIN_S
    config.keep_alive_timeout = 75
    config.keep_alive_max_requests = 1_000_000
    config.h11_max_incomplete_size = 64 * 1024
    config.websocket_max_message_size = MAX_MESSAGE_BYTES
    config.server_names = []
    config.include_server_header = False
    return config
