"""A real engine, a real agent in a process of its own, and a small panel for it to talk to."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import shutil
import sys
import tarfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import docker
import httpx
import pytest
import yaml
from docker.utils import kwargs_from_env
from joserfc import jwt
from joserfc.jwk import OctKey
from websockets.asyncio.client import ClientConnection, connect

from muntin.docker import DOCKER_SOCKET, docker_answers
from muntin.testing.free_ports import free_port

TOKEN_ID = "abcdefgh12345678"
TOKEN = "t0ken" + "x" * 59
IMAGE = f"muntin-test-game:{os.getpid()}"
NETWORK = "muntin_test_nw"
DONE = "Done! The game is open"
APPLETS = ("sh", "cat", "chown", "dd", "echo", "grep", "head", "id", "kill", "ls", "mkdir", "nc", "ps", "sleep", "stat",
           "touch", "yes", "chmod", "rm", "tail", "seq", "true", "wc", "tr", "sed")  # fmt: skip
GAME = """#!/bin/sh
trap 'echo caught TERM; exit 0' TERM
trap 'echo caught INT; exit 0' INT
echo "game starts as $(id -u) with: $STARTUP"
[ -f /home/container/slow ] && sleep 3
[ -f /home/container/crash-at-start ] && exit 9
echo "Done! The game is open on $SERVER_PORT"
while true; do
  read -r line || { sleep 0.1; continue; }
  case "$line" in
    stop) echo "saving the world"; exit 0;;
    stubborn) echo "will not stop"; trap '' TERM INT;;
    quit\\ *) exit "${line#quit }";;
    do\\ *) eval "${line#do }";;
  esac
done
"""


def _image() -> bytes:
    """A root file system made of busybox and the game above, as tar."""
    busybox = Path(shutil.which("busybox") or "/bin/busybox").read_bytes()
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in (("bin/busybox", busybox), ("bin/game", GAME.encode())):
            member = tarfile.TarInfo(name)
            member.mode, member.size = 0o755, len(content)
            tar.addfile(member, io.BytesIO(content))
        for applet in APPLETS:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    return stream.getvalue()


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.APIClient]:
    """The engine, with the game's image; where there is none the test is skipped, but not in CI."""
    address = os.environ.get("DOCKER_HOST", f"unix://{DOCKER_SOCKET}")
    if address.startswith("unix://") and not docker_answers(address.removeprefix("unix://")):
        if os.environ.get("CI") == "true":
            pytest.fail("no Docker engine answers")
        pytest.skip("no Docker engine answers")
    client = docker.APIClient(version="auto", **kwargs_from_env())
    repository, _, tag = IMAGE.partition(":")
    client.import_image_from_data(_image(), repository=repository, tag=tag, changes=['CMD ["/bin/game"]'])
    yield client
    client.remove_image(IMAGE, force=True)
    with contextlib.suppress(docker.errors.APIError):  # another run may be using it
        client.remove_network(NETWORK)
    client.close()


@dataclass
class Peer:
    """The panel's side of the protocol: what it wants, and what it was told.

    `callers` are the bearers it knows; `desk` may answer first, told the caller's token id, method, path and body.
    """

    url: str = ""
    servers: dict[str, dict[str, Any]] = field(default_factory=dict)
    scripts: dict[str, dict[str, Any]] = field(default_factory=dict)
    installs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    states: dict[str, list[str]] = field(default_factory=dict)
    activity: list[dict[str, Any]] = field(default_factory=list)
    resets: int = 0
    is_down: bool = False
    callers: set[str] = field(default_factory=lambda: {f"{TOKEN_ID}.{TOKEN}"})
    desk: Callable[[str, str, list[str], Any], tuple[int, Any] | None] | None = None

    def answer(self, bearer: str, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Status and body for one call below `/api/remote`."""
        parts = path.partition("?")[0].removeprefix("/api/remote/").split("/")
        if self.is_down:
            return 503, {}
        if bearer not in self.callers:
            return 403, None
        if self.desk and (answer := self.desk(bearer.partition(".")[0], method, parts, body)):
            return answer
        match method, parts:
            case "GET", ["servers"]:
                rows = [{"uuid": uuid, **entry} for uuid, entry in self.servers.items()]
                return 200, {"data": rows, "meta": {"current_page": 1, "last_page": 1, "per_page": 50}}
            case "POST", ["servers", "reset"]:
                self.resets += 1
                return 204, None
            case "GET", ["servers", uuid] if uuid in self.servers:
                return 200, self.servers[uuid]
            case "GET", ["servers", uuid, "install"] if uuid in self.servers:
                return 200, self.scripts[uuid]
            case "POST", ["servers", uuid, "install"]:
                self.installs.setdefault(uuid, []).append(body)
                return 204, None
            case "POST", ["servers", uuid, "container", "status"]:
                self.states.setdefault(uuid, []).append(body["data"]["new_state"])
                return 200, []
            case "POST", ["activity"]:
                self.activity += body["data"]
                return 200, None
        return 404, {"errors": []}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of HTTP/1.1."""
        try:
            while line := await reader.readline():
                method, path, _ = line.decode().split(" ", 2)
                headers = {}
                while (header := (await reader.readline()).strip()) != b"":
                    name, _, value = header.decode().partition(":")
                    headers[name.lower()] = value.strip()
                raw = await reader.readexactly(int(headers.get("content-length", 0)))
                bearer = headers.get("authorization", "").removeprefix("Bearer ")
                status, answer = self.answer(bearer, method, path, json.loads(raw) if raw else None)
                content = b"" if status == 204 else json.dumps(answer).encode()
                writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


@pytest.fixture(scope="session")
async def peer() -> AsyncIterator[Peer]:
    """A panel."""
    peer = Peer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    peer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield peer
    server.close()


async def until(condition: Any, *, timeout_s: float = 60.0, what: str = "the condition") -> Any:
    """Wait until the callable (or coroutine function) gives something true, and give that."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} did not come true within {timeout_s} s"
        await asyncio.sleep(0.02)


@dataclass
class Socket:
    """A websocket client; keeps every frame it got."""

    connection: ClientConnection
    frames: list[dict[str, Any]] = field(default_factory=list)

    async def send(self, event: str, *args: str) -> None:
        """Send one message."""
        await self.connection.send(json.dumps({"event": event, "args": list(args)}))

    async def read(self) -> None:
        """Collect frames until the socket closes."""
        async for text in self.connection:
            self.frames.append(json.loads(text))

    def args(self, event: str) -> list[str]:
        """Arguments of all frames of one event."""
        return [arg for frame in self.frames if frame["event"] == event for arg in frame["args"]]

    def has(self, event: str, text: str = "") -> bool:
        """Whether such a frame came whose argument holds the text."""
        return any(frame["event"] == event and text in "".join(frame["args"]) for frame in self.frames)


@dataclass
class Node:
    """One agent process and how to talk to it."""

    folder: Path
    peer: Peer
    engine: docker.APIClient
    url: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None
    made: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    token_id: str = TOKEN_ID
    secret: str = TOKEN
    http: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(trust_env=False, verify=False))
    until = staticmethod(until)

    def configure(self, **changes: Any) -> None:
        """Write the configuration file; `changes` replace whole sections."""
        port = int(self.url.rpartition(":")[2]) if self.url else free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.config = {
            "uuid": str(uuid4()),
            "token_id": self.token_id,
            "token": self.secret,
            "api": {"host": "127.0.0.1", "port": port},
            "remote": self.peer.url,
            "system": {"root_directory": str(self.folder), "disk_check_interval": 1, "activity_send_interval": 1},
            "docker": {
                "container_pid_limit": 40,
                "installer_limits": {"memory": 64, "cpu": 100, "timeout": 30},
                "network": {
                    "name": NETWORK,
                    "network_mode": NETWORK,
                    "interface": "172.31.250.1",
                    "interfaces": {"v4": {"subnet": "172.31.250.0/24", "gateway": "172.31.250.1"}},
                    "IPv6": False,
                },
            },
            "muntin": {"halves": ["gameservers"]},
        } | changes
        (self.folder / "config.yml").write_text(yaml.safe_dump(self.config))

    async def start(self) -> None:
        """Start the agent and wait until it knows its servers."""
        log = (self.folder / "agent.log").open("a")
        arguments = ("-m", "muntin_node", "run", "--config", str(self.folder / "config.yml"))
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdout=log, stderr=log, env=os.environ | self.environment
        )
        log.close()
        await until(self._is_up, timeout_s=30, what=f"the agent (see {self.folder}/agent.log)")
        second = int(time.time())  # tokens say whole seconds, and those of the second of the start are refused
        await until(lambda: int(time.time()) > second, what="the next second")

    async def _is_up(self) -> bool:
        try:
            return (await self.call("GET", f"/api/servers/{uuid4()}")).status_code == 404
        except httpx.TransportError:
            return False

    async def end(self, *, kill: bool = False) -> None:
        """End the agent's process."""
        process, self.process = self.process, None
        if process is not None and process.returncode is None:
            process.kill() if kill else process.terminate()
            await process.wait()

    async def call(self, method: str, path: str, json: Any = None, token: str | None = None) -> httpx.Response:
        """One HTTP call with the node's token; an empty one stands for none."""
        token = self.secret if token is None else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self.http.request(method, self.url + path, json=json, headers=headers)

    def describe(self, script: str | None = None, **settings: Any) -> str:
        """Let the panel know a server and give its uuid; `process` and settings as in the protocol."""
        uuid = str(uuid4())
        process = {
            "startup": {"done": [DONE], "user_interaction": [], "strip_ansi": False},
            "stop": {"type": "command", "value": "stop"},
            "configs": [],
        } | settings.pop("process", {})
        build = {"memory_limit": 64, "swap": 0, "io_weight": 500, "cpu_limit": 100, "threads": None, "disk_space": 0}
        self.peer.servers[uuid] = {
            "settings": {
                "uuid": uuid,
                "meta": {"name": "test", "description": ""},
                "suspended": False,
                "environment": {"STARTUP": "./game", "P_SERVER_UUID": uuid, "MAP": "desert"},
                "invocation": "./game --map {{MAP}}",
                "skip_egg_scripts": script is None,
                "build": build | settings.pop("build", {}),
                "container": {"image": f"~{IMAGE}"},
                "allocations": {"default": {"ip": "127.0.0.1", "port": 0}, "mappings": {}},
                "egg": {"id": "", "file_denylist": []},
                **settings,
            },
            "process_configuration": process,
        }
        self.peer.scripts[uuid] = {"container_image": f"~{IMAGE}", "entrypoint": "sh", "script": script or ""}
        self.made.append(uuid)
        return uuid

    async def install(self, script: str | None = None, **settings: Any) -> str:
        """A server that was created and whose install has been reported."""
        uuid = self.describe(script, **settings)
        response = await self.call("POST", "/api/servers", {"uuid": uuid, "start_on_completion": False})
        assert response.status_code == 202, response.text
        await until(lambda: self.peer.installs.get(uuid), timeout_s=90, what="the install report")
        return uuid

    async def running(self, script: str | None = None, **settings: Any) -> str:
        """A server that runs."""
        uuid = await self.install(script, **settings)
        await self.power(uuid, "start", "running")
        return uuid

    async def power(self, uuid: str, action: str, state: str, *, timeout_s: float = 60.0) -> None:
        """A power action, and the state it shall lead to."""
        response = await self.call("POST", f"/api/servers/{uuid}/power", {"action": action})
        assert response.status_code == 202, response.text
        await self.reach(uuid, state, timeout_s=timeout_s)

    async def reach(self, uuid: str, state: str, *, timeout_s: float = 60.0) -> None:
        """Wait for a state."""

        async def reached() -> bool:
            return bool((await self.details(uuid))["state"] == state)

        try:
            await until(reached, timeout_s=timeout_s)
        except AssertionError:
            raise AssertionError(f"not {state}: {await self.details(uuid)} {await self.lines(uuid)}") from None

    async def details(self, uuid: str) -> dict[str, Any]:
        """`GET /api/servers/{uuid}`."""
        details: dict[str, Any] = (await self.call("GET", f"/api/servers/{uuid}")).json()
        return details

    async def lines(self, uuid: str) -> list[str]:
        """The last lines of the console."""
        return [*((await self.call("GET", f"/api/servers/{uuid}/logs")).json()["data"] or [])]

    async def says(self, uuid: str, text: str, *, timeout_s: float = 60.0) -> str:
        """Wait for a console line that holds the text, and give it."""

        async def line() -> str:
            return next((line for line in reversed(await self.lines(uuid)) if text in line), "")

        return str(await until(line, timeout_s=timeout_s, what=f"a line with {text!r}"))

    async def tell(self, uuid: str, *lines: str) -> None:
        """Send lines to the game."""
        response = await self.call("POST", f"/api/servers/{uuid}/commands", {"commands": list(lines)})
        assert response.status_code == 204, response.text

    async def ask(self, uuid: str, command: str) -> list[str]:
        """Have the game run a shell command; gives what it printed."""
        mark = uuid4().hex
        order = f"do {command}; echo end-$((1))-{mark}"
        await self.tell(uuid, order)
        await self.says(uuid, f"end-1-{mark}")
        lines = await self.lines(uuid)
        end = next(number for number, line in enumerate(lines) if line.startswith(f"end-1-{mark}"))
        begin = next(number for number, line in enumerate(lines) if f"end-$((1))-{mark}" in line)
        return lines[begin + 1 : end]

    def container(self, uuid: str) -> dict[str, Any] | None:
        """The container as the engine inspects it."""
        try:
            return dict(self.engine.inspect_container(uuid))
        except docker.errors.NotFound:
            return None

    def volume(self, uuid: str) -> Path:
        """The server's folder."""
        return self.folder / "volumes" / uuid

    def token(self, uuid: str, *permissions: str, **claims: Any) -> str:
        """A websocket token as the panel signs it."""
        now = int(time.time())
        content = {
            "iss": self.peer.url,
            "jti": uuid4().hex,
            "iat": now,
            "nbf": now - 300,
            "exp": now + 600,
            "user_uuid": str(uuid4()),
            "server_uuid": uuid,
            "unique_id": uuid4().hex[:16],
            "permissions": list(permissions),
        } | claims
        return jwt.encode({"alg": "HS256"}, content, OctKey.import_key(self.secret))

    @asynccontextmanager
    async def socket(self, uuid: str, token: str = "", query: str = "", origin: str = "") -> AsyncIterator[Socket]:
        """A websocket of a server; with a token it is authenticated before it is given."""
        address = f"{self.url.replace('http', 'ws')}/api/servers/{uuid}/ws{query}"
        async with connect(address, origin=origin or self.peer.url, proxy=None) as connection:  # type: ignore[arg-type]
            client = Socket(connection)
            reading = asyncio.create_task(client.read())
            if token:
                await client.send("auth", token)
                await until(lambda: client.has("auth success"))
            yield client
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def forget(self) -> None:
        """Delete the servers that tests left; their games would go on beside all later tests."""
        for uuid in self.made:
            await self.call("DELETE", f"/api/servers/{uuid}")
        self.made.clear()

    async def clean(self) -> None:
        """Remove containers that tests left."""
        await self.http.aclose()
        for uuid in self.made:
            for name in (uuid, f"{uuid}_installer"):
                try:
                    self.engine.remove_container(name, force=True)
                except docker.errors.APIError:
                    continue


@pytest.fixture(scope="session")
async def agent(engine: docker.APIClient, peer: Peer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    """An agent that all tests share."""
    node = Node(tmp_path_factory.mktemp("node"), peer, engine)
    node.configure()
    await node.start()
    yield node
    await node.end()
    await node.clean()


@pytest.fixture(scope="module")
async def node(agent: Node) -> AsyncIterator[Node]:
    """The agent that all tests share; the servers of a module end with it."""
    yield agent
    await agent.forget()


@pytest.fixture(scope="session")
def make_node(engine: docker.APIClient) -> Callable[..., Node]:
    """Agents with a folder and a panel that the caller names, each with credentials of its own."""

    def make(folder: Path, peer: Peer, **values: Any) -> Node:
        node = Node(folder, peer, engine, token_id=uuid4().hex[:16], secret=uuid4().hex * 2, **values)
        peer.callers.add(f"{node.token_id}.{node.secret}")
        node.configure()
        return node

    return make


@pytest.fixture(scope="session")
def make_peer() -> Callable[[], AbstractAsyncContextManager[Peer]]:
    """Panels that listen as long as their block lasts."""

    @asynccontextmanager
    async def make() -> AsyncIterator[Peer]:
        peer = Peer()
        server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
        peer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield peer
        server.close()

    return make


@pytest.fixture
async def lonely_node(engine: docker.APIClient, tmp_path: Path) -> AsyncIterator[Node]:
    """An agent and a panel of the test's own: it may be killed, configured otherwise, left without panel."""
    peer = Peer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    peer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    node = Node(tmp_path, peer, engine)
    node.configure()
    yield node
    await node.end()
    await node.clean()
    server.close()
