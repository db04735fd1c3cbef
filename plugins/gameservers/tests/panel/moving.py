"""Nodes that note what the panel asks of them and answer as a test says, and a server that can be moved between two."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from muntin.jobs.models import JobRow
from muntin.nodes.credentials import seal
from muntin.nodes.models import NodeRow
from muntin.testing.callers import Answer, Caller, People
from muntin.testing.outbox import Outbox
from muntin_gameservers.models import AllocationRow, ServerRow

SECRET = "n" * 64


@dataclass
class Wings:
    """A node's HTTP side.

    Attributes:
        heard: Method, path and body of each request that changes something, in order.
        answers: Method and path (with `{uuid}`) -> status and JSON of the answer; 204 without one is the usual answer.
    """

    port: int = 0
    heard: list[tuple[str, str, Any]] = field(default_factory=list)
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
        raw = await reader.readexactly(int(length[1]) if length else 0)
        method, path, _version = head.split("\r\n", 1)[0].split(" ")
        if method != "GET":
            self.heard.append((method, path, json.loads(raw) if raw else None))
        status, said = self.answers.get(f"{method} {re.sub(r'[0-9a-f-]{36}', '{uuid}', path)}", (204, None))
        body = b"" if said is None else json.dumps(said).encode()
        writer.write(f"HTTP/1.1 {status} Said\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        writer.write(body)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def wings() -> AsyncIterator[Wings]:
    """A node that listens on a free port of this machine."""
    node = Wings()
    async with await asyncio.start_server(node.answer, "127.0.0.1", 0) as listening:
        node.port = listening.sockets[0].getsockname()[1]
        yield node


@dataclass
class Move:
    """A server on one node, and another node with two free addresses.

    Attributes:
        old, new: What the nodes hear and say.
        reports: How the nodes ask the panel: the old one, the new one, and one that has no part in it.
        places: The free addresses of the new node.
    """

    admin: Caller
    outbox: Outbox
    server: ServerRow
    old: Wings
    new: Wings
    nodes: tuple[NodeRow, NodeRow]
    reports: tuple[Caller, Caller, Caller]
    places: tuple[AllocationRow, AllocationRow]

    @property
    def path(self) -> str:
        """Of the server on a node."""
        return f"/api/servers/{self.server.id}"

    @property
    def body(self) -> dict[str, Any]:
        """What orders the move."""
        first, second = self.places
        return {
            "node_id": str(self.nodes[1].id),
            "allocation_id": str(first.id),
            "additional_allocation_ids": [str(second.id)],
        }

    async def order(self, **changes: Any) -> Answer:
        """Ask for the move."""
        return await self.admin.post(f"/api/v1/admin/servers/{self.server.id}/transfer", self.body | changes)

    async def begin(self) -> None:
        """Order the move and have the old node told."""
        answer = await self.order()
        assert answer.status == 200, answer.body
        await self.outbox.relay()

    async def report(self, number: int, how: str, body: Any = None) -> int:
        """Have a node (0 the old one, 1 the new one, 2 a stranger) say how the move ended; the status it gets."""
        path = f"/api/remote/servers/{self.server.id}/transfer/{how}"
        return (await self.reports[number].post(path, body)).status

    async def shown(self) -> dict[str, Any]:
        """What administrators are told of the place and state of the server."""
        found = (await self.admin.get(f"/api/v1/admin/servers/{self.server.id}")).data
        return {name: found[name] for name in ("status", "is_locked", "node_id", "allocation_id", "problem")}

    @property
    def unmoved(self) -> dict[str, Any]:
        """What `shown` is as long as the server stays."""
        server = self.server
        place = {"node_id": str(server.node_id), "allocation_id": str(server.allocation_id)}
        return {"status": server.power, "is_locked": False, **place, "problem": ""}

    async def addresses(self) -> dict[str, list[int]]:
        """The ports that the server has, or that are kept for it, by node: old and new."""
        rows = await AllocationRow.filter(server_id=self.server.id).order_by("port").values_list("node_id", "port")
        return {
            name: [port for node_id, port in rows if node_id == node.id]
            for name, node in zip(("old", "new"), self.nodes, strict=True)
        }

    @property
    def ports(self) -> tuple[int, list[int]]:
        """The server's port on the old node, and those of its places on the new one."""
        return self._old_port, [one.port for one in self.places]

    _old_port: int = 0


@asynccontextmanager
async def a_move(admin: Caller, people: People, made: Any, outbox: Outbox, **server: Any) -> AsyncIterator[Move]:
    """Everything that a move needs; nothing is ordered yet."""
    async with wings() as old, wings() as new:
        rows = [await _node(made, port) for port in (old.port, new.port, 1)]
        row = await made.server(admin.account_id, node=rows[0], **server)
        places = [await made.allocation(rows[1]) for _index in range(2)]
        reports = [people.bearer(f"{one.token_id}.{SECRET}") for one in rows]
        move = Move(admin, outbox, row, old, new, (rows[0], rows[1]), tuple(reports), tuple(places))  # type: ignore[arg-type]  # as many as there are
        move._old_port = (await AllocationRow.get(id=row.allocation_id)).port
        yield move
    await JobRow.all().delete()  # the nodes are gone; other tests let the time pass at which they would be asked again


async def _node(made: Any, port: int) -> NodeRow:
    row: NodeRow = await made.node(fqdn="127.0.0.1", scheme="http", daemon_port=port, token=seal(SECRET))
    return row
