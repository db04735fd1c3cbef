"""What the agent's tests share: configurations, a panel to talk to (the peer, outside of what is tested), an agent."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypercorn.asyncio import serve
from hypercorn.config import Config
from joserfc import jwt
from joserfc.jwk import OctKey
from joserfc.jws import JWSRegistry
from quart import Quart, Response, request, websocket

from muntin_node.agent import Agent
from muntin_node.config import NodeConfig, parse_config
from muntin_node.config_store import ConfigStore
from muntin_node.contributions import NodeHalf

TOKEN_ID = "abcdefgh12345678"
LOOSE = JWSRegistry(algorithms=["HS256"], strict_check_header=False)
TOKEN = "t0ken" + "x" * 59


@dataclass
class PeerPanel:
    """A panel as the node sees it: answers from a script, and notes what it was told."""

    url: str = ""
    answers: list[tuple[int, Any]] = field(default_factory=list)  # used up first; then 200 {}
    calls: list[dict[str, Any]] = field(default_factory=list)
    bus_headers: list[str] = field(default_factory=list)
    frames: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    to_node: asyncio.Queue[str | None] = field(default_factory=asyncio.Queue)  # None closes the bus


def _peer_app(panel: PeerPanel) -> Quart:
    app = Quart("peer", static_folder=None)

    @app.route("/api/<path:path>", methods=["GET", "POST"])
    async def answer(path: str) -> Response:
        note = {"method": request.method, "path": f"/api/{path}", "headers": dict(request.headers)}
        panel.calls.append(note | {"args": dict(request.args), "body": await request.get_data(as_text=True)})
        status, body = panel.answers.pop(0) if panel.answers else (200, {})
        return Response(body if isinstance(body, str) else json.dumps(body), status, content_type="application/json")

    @app.websocket("/api/node/bus")
    async def bus() -> None:
        panel.bus_headers.append(websocket.headers.get("Authorization", ""))
        await websocket.accept()
        sending = asyncio.create_task(_send_frames(panel))
        try:
            while not sending.done():
                receiving = asyncio.ensure_future(websocket.receive())
                await asyncio.wait([receiving, sending], return_when=asyncio.FIRST_COMPLETED)
                if not receiving.done():
                    receiving.cancel()
                    break
                panel.frames.put_nowait(json.loads(receiving.result()))
        finally:
            sending.cancel()

    return app


async def _send_frames(panel: PeerPanel) -> None:
    while (frame := await panel.to_node.get()) is not None:
        await websocket.send(frame)


@asynccontextmanager
async def served(app: Quart) -> AsyncIterator[str]:
    """Serve an app on a free port; gives its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.errorlog = None
    config.graceful_timeout = 0.2
    port = socket.socket(fileno=int(config.bind[0][5:]))
    url = f"http://127.0.0.1:{port.getsockname()[1]}"
    port.detach()
    stop = asyncio.Event()
    task = asyncio.create_task(serve(app, config, shutdown_trigger=stop.wait))
    try:
        yield url
    finally:
        stop.set()
        await task


@pytest.fixture
async def panel() -> AsyncIterator[PeerPanel]:
    peer = PeerPanel()
    async with served(_peer_app(peer)) as url:
        peer.url = url
        yield peer


@pytest.fixture
def make_config(tmp_path: Path) -> Callable[..., NodeConfig]:
    def make(**values: Any) -> NodeConfig:
        base = {
            "uuid": "6f1d4a52-0000-4000-8000-000000000001",
            "token_id": TOKEN_ID,
            "token": TOKEN,
            "remote": "http://127.0.0.1:9",
            "api": {"host": "127.0.0.1", "port": 0},
            "system": {"root_directory": str(tmp_path / "node")},
        }
        return parse_config(base | values, source="test")

    return make


@pytest.fixture
def store(make_config: Callable[..., NodeConfig]) -> ConfigStore:
    return ConfigStore(make_config())


@dataclass
class RunningAgent:
    """An agent that serves on a real socket."""

    agent: Agent
    url: str
    shutdown: asyncio.Event
    task: asyncio.Task[None]

    async def stop(self) -> None:
        self.shutdown.set()
        await self.task

    async def call(self, method: str, path: str, *, token: str | None = TOKEN, **content: Any) -> httpx.Response:
        headers = content.pop("headers", {}) | ({"Authorization": f"Bearer {token}"} if token is not None else {})
        async with httpx.AsyncClient(base_url=self.url, timeout=10) as client:
            return await client.request(method, path, headers=headers, **content)


StartAgent = Callable[..., AbstractAsyncContextManager[RunningAgent]]


@pytest.fixture
def start_agent(make_config: Callable[..., NodeConfig]) -> StartAgent:
    @asynccontextmanager
    async def start(
        halves: Iterable[NodeHalf] = (), *, path: Path | None = None, interval_s: float = 10, **values: Any
    ) -> AsyncIterator[RunningAgent]:
        agent = Agent(ConfigStore(make_config(**values), path), halves, health_interval_s=interval_s)
        address: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
        shutdown = asyncio.Event()
        task = asyncio.create_task(agent.run(shutdown, on_ready=lambda host, port: address.put_nowait((host, port))))
        listening = asyncio.create_task(address.get())
        await asyncio.wait([task, listening], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        host, port = await listening
        running = RunningAgent(agent, f"http://{host}:{port}", shutdown, task)
        try:
            yield running
        finally:
            await running.stop()

    return start


@pytest.fixture
def sign() -> Callable[..., str]:
    """A JWT as panels make it, which repeat some claims in the header; claims given as None are left out."""

    def make(*, key: str = TOKEN, **claims: Any) -> str:
        now = int(time.time()) + 1
        base: dict[str, Any] = {
            "jti": "j" * 32,
            "iat": now,
            "nbf": now - 300,
            "exp": now + 600,
            "unique_id": "u" * 16,
            "user_uuid": "user-1",
            "server_uuid": "server-1",
        }
        wanted = {name: value for name, value in (base | claims).items() if value is not None}
        copied: dict[str, Any] = {name: wanted[name] for name in ("jti", "sub") if name in wanted}
        header: dict[str, Any] = {"alg": "HS256", "typ": "JWT", **copied}
        return jwt.encode(header, wanted, OctKey.import_key(key), registry=LOOSE)

    return make


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Wait until something holds, at most 30 s."""

    async def wait(holds: Callable[[], bool], *, within_s: float = 30.0) -> None:
        deadline = time.monotonic() + within_s
        while not holds():
            assert time.monotonic() < deadline, "did not become true in time"
            await asyncio.sleep(0.01)

    return wait
