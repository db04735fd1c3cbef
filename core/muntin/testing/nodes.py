"""The fixture `node`: the real agent in this process, speaking the real protocol with the panel over real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config

from muntin.app import PanelApp
from muntin.nodes.credentials import new_token, new_token_id, seal
from muntin.nodes.models import NodeRow
from muntin.nodes.service import configuration_of
from muntin.testing.free_ports import free_port
from muntin.testing.waiting import until
from muntin_node.agent import Agent
from muntin_node.config import parse_config
from muntin_node.config_store import ConfigStore
from muntin_node.halves import discover

__all__ = ["RunningNode", "open_node", "serving"]

ONLINE_WITHIN_S = 30.0
MIB = 1024


@dataclass(frozen=True, slots=True)
class RunningNode:
    """A node that is online.

    Attributes:
        row: As the panel knows it.
        agent: The agent itself.
        panel_url: Where the panel is served for it.
    """

    row: NodeRow
    agent: Agent
    panel_url: str


@asynccontextmanager
async def serving(app: PanelApp) -> AsyncIterator[str]:
    """Serve the application of an open panel on a free port of this machine; gives its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.errorlog = None
    config.graceful_timeout = 0.2
    stop = asyncio.Event()
    task = asyncio.create_task(serve(_WithoutLifespan(app), config, shutdown_trigger=stop.wait))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        app.panel.connections.end_all()
        stop.set()
        await task


@asynccontextmanager
async def open_node(app: PanelApp, folder: Path, halves: Iterable[str]) -> AsyncIterator[RunningNode]:
    """Add a node to the panel and run its agent until the block ends.

    Args:
        folder: Where the agent keeps its files.
        halves: Names of the halves it runs; they have to be installed.
    """
    wanted = set(halves)
    async with serving(app) as url:
        listener = socket.create_server(("127.0.0.1", 0))
        row = await _add(listener.getsockname()[1], folder)
        found, errors = _halves(wanted)
        store = ConfigStore(parse_config(_configuration(row, url, folder), source="the fixture `node`"))
        agent = Agent(store, found, errors, listener=listener, health_interval_s=0.5)
        shutdown = asyncio.Event()
        running = asyncio.create_task(agent.run(shutdown))
        try:
            await until(lambda: _online(running, row), timeout_s=ONLINE_WITHIN_S)
            yield RunningNode(await NodeRow.get(id=row.id), agent, url)
        finally:
            shutdown.set()
            await running


def _halves(wanted: set[str]) -> tuple[list[Any], dict[str, str]]:
    found, errors = discover()
    return [one for one in found if one.name in wanted], {
        name: error for name, error in errors.items() if name in wanted
    }


async def _add(port: int, folder: Path) -> NodeRow:
    return await NodeRow.create(
        name=f"node-{port}",
        fqdn="127.0.0.1",
        scheme="http",
        daemon_port=port,
        sftp_port=free_port(),
        memory_mib=4 * MIB,
        disk_mib=16 * MIB,
        data_directory=str(folder / "volumes"),
        token_id=new_token_id(),
        token=seal(new_token()),
    )


def _configuration(row: NodeRow, url: str, folder: Path) -> dict[str, Any]:
    values = asdict(configuration_of(row))
    values["uuid"] = str(row.id)
    values["remote"] = url
    values["api"]["host"] = "127.0.0.1"
    values["system"] |= {
        "root_directory": str(folder),
        "log_directory": str(folder / "logs"),
        "tmp_directory": str(folder / "tmp"),
    }
    values["system"]["sftp"]["bind_address"] = "127.0.0.1"
    return values


async def _online(running: asyncio.Task[None], row: NodeRow) -> bool:
    if running.done():
        running.result()  # raises what ended it
    return bool((await NodeRow.get(id=row.id)).daemon_version)


class _WithoutLifespan:
    """The application as it is: the fixture `app` opened the panel and closes it."""

    def __init__(self, app: PanelApp) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
