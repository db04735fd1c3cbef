"""A node that answers each call at once, and what it says."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

RUNNING = {
    "state": "running",
    "is_suspended": False,
    "utilization": {
        "memory_bytes": 1, "memory_limit_bytes": 2, "cpu_absolute": 1.5, "network": {"rx_bytes": 3, "tx_bytes": 4},
        "uptime": 5000, "state": "running", "disk_bytes": 6,
    },
}  # fmt: skip
MACHINE = {
    "cpu_percent": 1.5, "memory_total": 4, "memory_used": 3, "disk_total": 2, "disk_used": 1,
    "load_average1": 0.1, "load_average5": 0.2, "load_average15": 0.3,
}  # fmt: skip
ANSWERS: dict[str, Any] = {
    r"GET /api/servers/[^/]+": RUNNING,
    r"GET /api/servers/[^/]+/logs.*": {"data": ["one", "two"]},
    r"GET /api/system/utilization": MACHINE,
}


def answer_to(request: str) -> Any:
    """What the node says to a method and path; an empty object to all that it knows nothing of."""
    return next((said for pattern, said in ANSWERS.items() if re.fullmatch(pattern, request)), {})


@asynccontextmanager
async def answering_node(status: str = "200 OK") -> AsyncIterator[int]:
    """Listen on a free port of this machine and answer everything with this status; gives the port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
        await reader.readexactly(int(length[1]) if length else 0)
        said = json.dumps(answer_to(head.partition(" HTTP/")[0]) if status == "200 OK" else {"error": "no"}).encode()
        writer.write(f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {len(said)}\r\n\r\n".encode() + said)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
