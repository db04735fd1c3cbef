"""A web process's line to the console of one server, kept as long as somebody watches."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
import websockets
from websockets.asyncio.client import ClientConnection

from muntin.nodes.models import NodeRow
from muntin.nodes.tls import tls_of
from muntin.nodes.tokens import sign_for_node
from muntin.runtime import panel
from muntin.translation import _
from muntin_gameservers.contract import ResourceUsage
from muntin_gameservers.models import ServerRow
from muntin_gameservers.servers.power import resources
from muntin_node.fanout import Batch, BatchCache, Fanout

log = logging.getLogger("muntin.gameservers.console")

TOKEN_S = 600
RENEW_S = 420.0
HISTORY_LINES = 1000
MOST_INSTALL_LINES = 5000
ALL_PERMISSIONS = ("*", "admin.websocket.errors", "admin.websocket.install", "admin.websocket.transfer")


class Upstream:
    """Lines and signals of one server, from its node.

    Attributes:
        lines: Console lines, each as `<seq>:<text>`; the number is the node's own.
        signals: Everything else, as JSON frames of the native websocket.
    """

    def __init__(self, server: ServerRow) -> None:
        self.server = server
        self.lines = Fanout(history_lines=HISTORY_LINES)
        self.signals = Fanout(history_lines=200)
        self.encoded = BatchCache(encode_lines)
        self.status = server.status
        self.stats: dict[str, Any] | None = None
        self.viewers = 0
        self.last_seq = -1
        self.install_lines: list[str] = []  # of the install under way, for viewers that come later
        self._arrived = 0  # of them, on this connection
        self._first = 0  # number here of the line that the node numbers 0
        self._line: ClientConnection | None = None
        self.is_away = False  # the last try to reach the node failed
        self.heard = asyncio.Event()  # the node's first answer, or its first failure
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Connect, and connect again whenever the line breaks."""
        self._task = asyncio.create_task(self._run(), name=f"console:{self.server.short_id}")

    async def close(self) -> None:
        """Let go of the node."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.lines.close()
        self.signals.close()

    async def look_again(self) -> None:
        """Show what is done with the server now; if it is on another node, go there."""
        has_moved = await self._find()
        if "transferring" in (self.status, self.server.stage):
            self.status = self.server.status
            self._signal("status", status=self.status)
        line = self._line
        if has_moved and line is not None:
            self._line = None
            await line.close()

    async def _find(self) -> bool:
        """Look up where the server is; whether that is another node, whose lines are numbered on from here."""
        row = await ServerRow.get_or_none(id=self.server.id)
        if row is None:
            return False
        has_moved = row.node_id != self.server.node_id
        self.server = row
        if has_moved:
            self._first = self.last_seq + 1
        return has_moved

    async def _run(self) -> None:
        wait_s = 0.25
        while True:
            try:
                await self._converse()
                wait_s = 0.25
            except (OSError, websockets.WebSocketException, TimeoutError) as error:
                log.info("Console of %s: %s", self.server.short_id, error)
                self.is_away = not _is_unknown_there(error)
                if self.is_away:
                    self._signal("error", code="node_unreachable", message="The node cannot be reached right now.")
            except Exception:
                log.exception("The console of %s failed on what its node sent", self.server.short_id)
            self.heard.set()
            await asyncio.sleep(wait_s * random.uniform(0.7, 1.3))  # noqa: S311 - only spreads reconnects
            wait_s = min(wait_s * 2, 10.0)

    async def _converse(self) -> None:
        await self._find()
        node = await NodeRow.get(id=self.server.node_id)
        address = f"{node.base_url.replace('http', 'ws', 1)}/api/servers/{self.server.id}/ws?muntin=1"
        origin = panel().configuration.public_url
        async with websockets.connect(
            address,
            origin=origin,  # type: ignore[arg-type]  # an Origin is a string
            open_timeout=5,
            max_size=2**20,
            ssl=tls_of(node),
            proxy=None,
        ) as line:
            if node.id != self.server.node_id:
                return  # it moved meanwhile
            self._arrived = 0
            self._line = line
            await self._authenticate(line, node)
            renewing = asyncio.create_task(self._renew(line, node))
            try:
                async for message in line:
                    if self._line is not line:
                        return
                    await self._take(line, orjson.loads(message))
            finally:
                self._line = None
                renewing.cancel()

    async def _renew(self, line: ClientConnection, node: NodeRow) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            await self._authenticate(line, node)

    async def _authenticate(self, line: ClientConnection, node: NodeRow) -> None:
        await _send(line, "auth", node_token(node, self.server.id))

    async def _take(self, line: ClientConnection, frame: dict[str, Any]) -> None:
        event, args = frame.get("event"), [str(one) for one in frame.get("args") or ()]
        if event == "auth success":
            if self.is_away:
                self._signal("status", status=self.status)
            self.is_away = False
            known = self.last_seq - self._first  # as this node numbers them
            await _send(line, "send logs", *([str(known)] if known >= 0 else []))
        elif event == "console output":
            self._take_lines(args, frame.get("seq"))
        elif event == "stats" and args:
            self._take_stats(args[0])
        elif event == "status" and args:
            await self._take_status(args[0])
        elif event == "install output":
            self._take_install_lines(args)
        elif event == "install completed":
            self.install_lines.clear()
            self._arrived = 0
            self._signal("event", event="install_completed", data={})
        elif event == "transfer logs":
            self._signal("install_output", message="\n".join(args))
        elif event == "transfer status" and args:
            self._signal("event", event="transfer_status", data={"status": args[0]})
        elif event == "daemon message":
            self._take_lines(args, None)
        elif event in ("daemon error", "jwt error"):
            self._signal("error", code="node_error", message=" ".join(args))
        self.heard.set()

    def _take_install_lines(self, lines: list[str]) -> None:
        """Show what an install says; a node repeats it from the start to a line that was broken."""
        known = len(self.install_lines)
        fresh = lines[max(0, known - self._arrived) :]
        self._arrived += len(lines)
        self.install_lines += fresh[: MOST_INSTALL_LINES - known]
        if fresh:
            self._signal("install_output", message="\n".join(fresh))

    async def _take_status(self, power: str) -> None:
        """Show the power state, unless the server is in a state above it: being installed, say."""
        row = await ServerRow.get_or_none(id=self.server.id)
        is_usable = row is not None and row.stage == "ready" and not row.is_suspended
        self.status = power if row is None or is_usable else row.status
        self._signal("status", status=self.status)

    def _take_lines(self, lines: list[str], seq: object) -> None:
        """Publish lines that were not seen before; a node without numbers (Wings) gets ours."""
        first = self._first + seq if isinstance(seq, int) else self.last_seq + 1
        for number, line in enumerate(lines, first):
            if number > self.last_seq:
                self.last_seq = number
                self.lines.publish(f"{number}:{line}")

    def _take_stats(self, text: str) -> None:
        usage = resources(self.server, ResourceUsage.model_validate_json(text))
        self.stats = {
            "cpu": usage.cpu,
            "memory": usage.memory,
            "memory_limit": usage.memory_limit,
            "disk": usage.disk,
            "disk_limit": usage.disk_limit,
            "network": {"rx": usage.network.rx, "tx": usage.network.tx},
            "uptime": usage.uptime,
        }
        self._signal("stats", **self.stats)

    def _signal(self, kind: str, **values: object) -> None:
        self.signals.publish(frame_text(kind, **values))


def _is_unknown_there(error: Exception) -> bool:
    """Whether the node answers but has not heard of the server: it is about to be told to install it."""
    return isinstance(error, websockets.InvalidStatus) and error.response.status_code == 404


def frame_text(kind: str, **values: object) -> str:
    """One frame of the native websocket."""
    return orjson.dumps({"type": kind, **values}).decode()


def encode_lines(batch: Batch) -> str:
    """Consecutive console lines as one frame, made once for all viewers; `seq` is the number of the last."""
    message = "\n".join(line.split(":", 1)[1] for line in batch.lines)
    return frame_text("console_output", message=message, timestamp=now_text(), seq=number_of(batch.lines[-1]))


def skipped_text(batch: Batch) -> str:
    """The frame that goes before a batch whose viewer read too slowly; `seq` is the number of the last line missed."""
    message = _("... {count} lines were skipped ...", count=batch.skipped)
    return frame_text("skipped", count=batch.skipped, message=message, seq=number_of(batch.lines[0]) - 1)


def number_of(line: str) -> int:
    """The node's number of a line as it is kept here."""
    return int(line.split(":", 1)[0])


def now_text() -> str:
    """This moment as the native API writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def node_token(node: NodeRow, server_id: UUID) -> str:
    """A token with which the panel itself watches and commands a server (Wings' websocket JWT)."""
    jti = sha256(f"panel{server_id}{secrets.token_hex(8)}".encode()).hexdigest()
    claims = {
        "user_uuid": str(UUID(int=0)),
        "server_uuid": str(server_id),
        "permissions": list(ALL_PERMISSIONS),
        "scope": "websocket",
    }
    return sign_for_node(node, jti=jti, lives_s=TOKEN_S, claims=claims)


async def _send(line: ClientConnection, event: str, *args: str) -> None:
    await line.send(orjson.dumps({"event": event, "args": list(args)}).decode())
