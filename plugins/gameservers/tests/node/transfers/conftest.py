"""Two agents, and the part of a panel that decides about transfers."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import tarfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from muntin.testing.free_ports import free_port

BOUNDARY = "boundary-of-tests"
NO_CONTENT, CONFLICT, UNKNOWN, AWAY = 204, 409, 404, 503


@dataclass
class Moving:
    """A transfer as the panel sees it; nodes by their token ids."""

    source: str
    target: str
    state: str = "running"


@dataclass
class Desk:
    """Answers for transfers as a panel does, and notes who reported what.

    Attributes:
        owners: Which node has a server.
        reports: `(node, uuid, "success" or "failure", status)`.
        reasons: Why a server was not moved, as whoever was heard first said it.
        silent: Reports of these kinds are not taken: 503.
        lossy: Reports of these kinds are taken, but the answer is lost: 503.
    """

    peer: Any
    owners: dict[str, str] = field(default_factory=dict)
    transfers: dict[str, Moving] = field(default_factory=dict)
    reports: list[tuple[str, str, str, int]] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    lossy: set[str] = field(default_factory=set)

    def answer(self, caller: str, method: str, parts: list[str], body: Any) -> tuple[int, Any] | None:
        match method, parts:
            case "GET", ["servers"]:
                mine = [uuid for uuid in self.peer.servers if self.owners.get(uuid) == caller]
                rows = [{"uuid": uuid, **self.peer.servers[uuid]} for uuid in mine]
                return 200, {"data": rows, "meta": {"current_page": 1, "last_page": 1}}
            case "POST", ["servers", "reset"]:
                for moving in self.transfers.values():
                    if moving.state == "running" and caller in (moving.source, moving.target):
                        moving.state = "failed"
                return None
            case "GET", ["servers", uuid] if not self._may_read(caller, uuid):
                return UNKNOWN, {"errors": []}
            case "POST", ["servers", uuid, "transfer", ("success" | "failure") as kind]:
                status = AWAY if kind in self.silent else self._decide(caller, uuid, kind)
                self.reports.append((caller, uuid, kind, status))
                if body and status == NO_CONTENT:
                    self.reasons[uuid] = body["reason"]
                return AWAY if kind in self.lossy else status, None
        return None

    def forget(self, uuid: str) -> None:
        """Drop what was reported of a server."""
        self.reports = [report for report in self.reports if report[1] != uuid]

    def _may_read(self, caller: str, uuid: str) -> bool:
        moving = self.transfers.get(uuid)
        coming = moving is not None and moving.state == "running" and moving.target == caller
        return coming or self.owners.get(uuid) == caller

    def _decide(self, caller: str, uuid: str, kind: str) -> int:
        moving = self.transfers.get(uuid)
        if moving is None:
            return CONFLICT
        if kind == "success":
            if moving.state == "running" and caller == moving.target:
                moving.state, self.owners[uuid] = "succeeded", caller
            return NO_CONTENT if moving.state == "succeeded" and self.owners[uuid] == caller else CONFLICT
        if moving.state != "running" or caller not in (moving.source, moving.target):
            return CONFLICT
        moving.state = "failed"
        return NO_CONTENT


@dataclass
class Pair:
    """Two agents under one panel."""

    source: Any
    target: Any
    desk: Desk

    async def server(self, **files: bytes) -> str:
        """A server of the source with these files in its folder."""
        uuid: str = self.source.describe()
        self.desk.owners[uuid] = self.source.token_id
        response = await self.source.call("POST", "/api/servers", {"uuid": uuid, "start_on_completion": False})
        assert response.status_code == 202, response.text
        await self.source.until(lambda: self.source.peer.installs.get(uuid))
        for name, content in files.items():
            (self.source.volume(uuid) / name).write_bytes(content)
        return uuid

    def announce(self) -> str:
        """A server that the panel moves to the target, whatever becomes of the other node."""
        uuid: str = self.target.describe()
        self.desk.owners[uuid] = self.source.token_id
        self.open(uuid)
        return uuid

    def open(self, uuid: str) -> Moving:
        """The panel begins a transfer."""
        self.desk.transfers[uuid] = Moving(self.source.token_id, self.target.token_id)
        return self.desk.transfers[uuid]

    def token(self, uuid: str, *, key: str = "", **claims: Any) -> str:
        """The header value that goes with a transfer to the target."""
        now = int(time.time())
        content = {
            "iss": self.desk.peer.url,
            "sub": uuid,
            "jti": hashlib.sha256(uuid.encode()).hexdigest(),
            "iat": now,
            "nbf": now - 300,
            "exp": now + 900,
            "scope": "transfer",
        } | claims
        key = key or self.target.secret
        return "Bearer " + jwt.encode({"alg": "HS256"}, content, OctKey.import_key(key))

    async def start(self, uuid: str, **values: Any) -> httpx.Response:
        """Have the panel begin a transfer and tell the source."""
        self.open(uuid)
        body = {
            "url": f"{self.target.url}/api/transfers",
            "token": self.token(uuid),
            "server_id": uuid,
            "server": {"uuid": uuid, "start_on_completion": False},
        }
        address, headers = (
            f"{self.source.url}/api/servers/{uuid}/transfer",
            {"Authorization": f"Bearer {self.source.secret}"},
        )
        response: httpx.Response = await self.source.http.post(address, json=body | values, headers=headers, timeout=60)
        return response

    async def upload(self, uuid: str, *parts: bytes, token: str = "", **headers: str) -> httpx.Response:
        """Send a form to the target as a source does."""
        sent = headers | {
            "Authorization": token or self.token(uuid),
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        }
        content = b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
        response: httpx.Response = await self.target.http.post(
            f"{self.target.url}/api/transfers", headers=sent, content=content, timeout=60
        )
        return response

    def told(self, uuid: str) -> list[tuple[str, str, int]]:
        """What was reported of a server: by `source` or `target`, `success` or `failure`, the panel's answer."""
        names = {self.source.token_id: "source", self.target.token_id: "target"}
        return [(names[node], kind, status) for node, about, kind, status in self.desk.reports if about == uuid]

    async def leaves_nothing(self, uuid: str) -> bool:
        """Whether the target has nothing of a server: no file, no entry."""
        known = (await self.target.call("GET", f"/api/servers/{uuid}")).status_code == 200
        return not known and not list(self.target.folder.rglob(f"*{uuid}*")) and uuid not in self.under_way(self.target)

    @staticmethod
    def under_way(node: Any) -> set[str]:
        """Servers that the journal of an agent, as it lies on the disk, counts as moving or being removed."""
        path: Path = node.folder / "halves" / "gameservers" / "journal.json"
        journal = json.loads(path.read_text()) if path.exists() else {}
        return {uuid for kind in ("arrivals", "departures", "deletions") for uuid in journal.get(kind, ())}


@pytest.fixture(scope="session")
async def pair(make_node: Any, make_peer: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    """Two agents that all tests share; they may be killed and started again."""
    async with make_peer() as peer:
        source = make_node(tmp_path_factory.mktemp("source"), peer)
        target = make_node(tmp_path_factory.mktemp("target"), peer)
        desk = Desk(peer)
        peer.desk = desk.answer
        await source.start()
        await target.start()
        yield Pair(source, target, desk)
        for node in (source, target):
            await node.end()
            await node.clean()


@pytest.fixture(autouse=True)
def _honest_panel(request: pytest.FixtureRequest) -> None:
    """Every test begins with a panel that answers."""
    if "pair" in request.fixturenames:
        pair = request.getfixturevalue("pair")
        pair.desk.silent.clear()
        pair.desk.lossy.clear()


def _field(name: str, value: str) -> bytes:
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def _file(content: bytes) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="archive"; filename="archive.tar.gz"\r\n\r\n'
    return head.encode() + content + b"\r\n"


@pytest.fixture
def part() -> Callable[..., bytes]:
    """One part of a form: a field, or the archive when only bytes are given."""
    return lambda *given: _field(*given) if len(given) == 2 else _file(*given)


@pytest.fixture
def form(part: Callable[..., bytes]) -> Callable[[bytes], tuple[bytes, ...]]:
    """All parts as they should be."""
    return lambda content: (part(content), part("checksum", hashlib.sha256(content).hexdigest()))


@pytest.fixture
def packed() -> Callable[..., bytes]:
    """A tar.gz of members: a name, what to change about the member, its content."""

    def make(*members: tuple[str, dict[str, Any], bytes]) -> bytes:
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
            for name, changes, content in members:
                member = tarfile.TarInfo(name)
                member.size = len(content)
                for key, value in changes.items():
                    setattr(member, key, value)
                archive.addfile(member, io.BytesIO(content))
        return stream.getvalue()

    return make


@pytest.fixture
def some_bytes() -> bytes:
    """Bytes that do not become fewer when they are packed."""
    return os.urandom(300_000)


@pytest.fixture
def new_uuid() -> str:
    return str(uuid4())


@dataclass
class Listener:
    """Another node that takes what is sent and does not answer. `opened` counts requests, `bytes` what came."""

    url: str
    opened: int = 0
    closed: int = 0
    bytes: int = 0


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    found = Listener("")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.opened += 1
        try:
            while data := await reader.read(65_536):
                found.bytes += len(data)
        except ConnectionError:
            pass
        finally:
            found.closed += 1
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/transfers"
    yield found
    server.close()


@pytest.fixture
def closed_port() -> int:
    """Nobody listens there."""
    return free_port()
