"""A node for browser tests: a small program on a real socket that speaks the Wings protocol, without containers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import websockets
from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import Quart, request, websocket

MIB = 1024 * 1024
STEPS = {"start": ("starting", "running"), "stop": ("stopping", "offline"), "restart": ("starting", "running"),
         "kill": ("offline",)}  # fmt: skip


@dataclass
class Game:
    """One server as this node runs it."""

    uuid: str
    state: str = "offline"
    lines: list[str] = field(default_factory=list)
    viewers: set[asyncio.Queue[dict[str, Any]]] = field(default_factory=set)
    ticks: int = 0

    def tell(self, event: str, *args: str) -> None:
        for queue in self.viewers:
            queue.put_nowait({"event": event, "args": list(args)})

    def say(self, *lines: str) -> None:
        self.lines.extend(lines)
        self.tell("console output", *lines)

    def usage(self) -> dict[str, Any]:
        """Figures that move, so that charts draw something."""
        self.ticks += 1
        runs = self.state == "running"
        return {
            "memory_bytes": (300 + (self.ticks * 17) % 200) * MIB if runs else 0,
            "memory_limit_bytes": 1024 * MIB,
            "cpu_absolute": 10.0 + (self.ticks * 7) % 60 if runs else 0.0,
            "network": {"rx_bytes": self.ticks * 40_000, "tx_bytes": self.ticks * 90_000},
            "uptime": self.ticks * 1000 if runs else 0,
            "state": self.state,
            "disk_bytes": 700 * MIB,
        }


@dataclass
class WingsPeer:
    """The node.

    Attributes:
        installs: Whether installs succeed at once; otherwise they wait for `finish_install`.
        sent: The servers that this node was told to send to another one.
    """

    port: int
    panel_url: str = ""
    bearer: str = ""
    installs: bool = True
    games: dict[str, Game] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def game(self, uuid: str) -> Game:
        return self.games.setdefault(uuid, Game(uuid))

    def later(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def report(self, path: str, body: dict[str, Any] | None = None) -> None:
        async with httpx.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {self.bearer}"}) as client:
            (await client.post(f"{self.panel_url}/api/remote{path}", json=body)).raise_for_status()

    async def become(self, game: Game, *states: str) -> None:
        for state in states:
            before, game.state = game.state, state
            game.tell("status", state)
            await self.report(
                f"/servers/{game.uuid}/container/status", {"data": {"previous_state": before, "new_state": state}}
            )
            await asyncio.sleep(0.1)

    async def install(self, game: Game) -> None:
        await asyncio.sleep(0.3)
        if self.installs:
            await self.finish_install(game)

    async def watched(self, uuid: str) -> None:
        """Wait until the panel watches a server's console."""
        async with asyncio.timeout(60):
            while not self.game(uuid).viewers:  # noqa: ASYNC110 - a socket of another process
                await asyncio.sleep(0.1)
        await asyncio.sleep(0.3)  # it has still to say who it is

    async def finish_install(self, game: Game, reason: str = "") -> None:
        await self.report(f"/servers/{game.uuid}/install", {"successful": not reason, "reason": reason})
        game.tell("install completed")
        game.tell("status", "offline")

    async def tell_usage(self) -> None:
        """Keeps the line to the panel and sends figures over it."""
        address = self.panel_url.replace("http", "ws", 1) + "/api/node/bus"
        headers = {"Authorization": f"Bearer {self.bearer}"}
        while True:
            with contextlib.suppress(OSError, websockets.WebSocketException):
                async with websockets.connect(address, additional_headers=headers) as line:
                    while True:
                        running = {one.uuid: one.usage() for one in self.games.values() if one.state == "running"}
                        await line.send(json.dumps({"topic": "health", "data": {"version": "peer", "halves": []}}))
                        await line.send(json.dumps({"topic": "gameservers.usage", "data": {"servers": running}}))
                        await asyncio.sleep(0.5)
            await asyncio.sleep(0.5)


def create_peer(peer: WingsPeer) -> Quart:
    """The routes that the panel calls."""
    app = Quart(__name__)

    @app.get("/api/system")
    async def system() -> dict[str, Any]:
        return {"version": "peer"}

    @app.post("/api/servers")
    async def create() -> tuple[str, int]:
        body = await request.get_json()
        peer.later(peer.install(peer.game(body["uuid"])))
        return "", 202

    @app.post("/api/servers/<uuid>/reinstall")
    async def reinstall(uuid: str) -> tuple[str, int]:
        peer.later(peer.install(peer.game(uuid)))
        return "", 202

    @app.get("/api/servers/<uuid>")
    async def details(uuid: str) -> dict[str, Any]:
        game = peer.game(uuid)
        return {"state": game.state, "utilization": game.usage(), "is_transferring": uuid in peer.sent}

    @app.post("/api/servers/<uuid>/power")
    async def power(uuid: str) -> tuple[str, int]:
        action = (await request.get_json())["action"]
        peer.later(peer.become(peer.game(uuid), *STEPS[action]))
        return "", 202

    @app.post("/api/servers/<uuid>/commands")
    async def commands(uuid: str) -> tuple[str, int]:
        for line in (await request.get_json())["commands"]:
            peer.game(uuid).say(f"> {line}", f"heard: {line}")
        return "", 204

    @app.post("/api/servers/<uuid>/sync")
    async def sync(uuid: str) -> tuple[str, int]:
        return "", 204

    @app.post("/api/servers/<uuid>/transfer")
    async def send(uuid: str) -> tuple[str, int]:
        peer.sent.add(uuid)
        peer.later(peer.become(peer.game(uuid), "stopping", "offline"))
        return "", 202

    @app.delete("/api/servers/<uuid>/transfer")
    async def keep(uuid: str) -> tuple[str, int]:
        peer.sent.discard(uuid)
        return "", 202

    @app.delete("/api/servers/<uuid>")
    async def delete(uuid: str) -> tuple[str, int]:
        peer.games.pop(uuid, None)
        return "", 204

    @app.websocket("/api/servers/<uuid>/ws")
    async def console(uuid: str) -> None:
        game, queue = peer.game(uuid), asyncio.Queue[dict[str, Any]]()
        await websocket.accept()
        game.viewers.add(queue)
        helpers = [asyncio.create_task(_write(queue)), asyncio.create_task(_measure(game, queue))]
        try:
            while True:
                frame = json.loads(await websocket.receive())
                if frame["event"] == "auth":
                    queue.put_nowait({"event": "auth success", "args": []})
                    queue.put_nowait({"event": "status", "args": [game.state]})
                elif frame["event"] == "send logs" and game.lines and not frame["args"]:
                    queue.put_nowait({"event": "console output", "args": list(game.lines)})
        finally:
            game.viewers.discard(queue)
            for helper in helpers:
                helper.cancel()

    return app


async def _write(queue: asyncio.Queue[dict[str, Any]]) -> None:
    while True:
        await websocket.send(json.dumps(await queue.get()))


async def _measure(game: Game, queue: asyncio.Queue[dict[str, Any]]) -> None:
    while True:
        queue.put_nowait({"event": "stats", "args": [json.dumps(game.usage())]})
        await asyncio.sleep(0.3)


@asynccontextmanager
async def wings_peer() -> AsyncIterator[WingsPeer]:
    """A node that listens on a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = WingsPeer(listener.getsockname()[1])
    stop, config = asyncio.Event(), Config()
    config.bind, config.graceful_timeout = [f"127.0.0.1:{peer.port}"], 0.1
    server = asyncio.create_task(serve(create_peer(peer), config, shutdown_trigger=stop.wait))
    try:
        yield peer
    finally:
        for task in list(peer._tasks):
            task.cancel()
        stop.set()
        await server
