"""A node that does nothing but speak: takes power actions, or writes a console at a steady rate.

`python -m tests.bench.node_peer power <port>`, `... console <port> <lines per second>`
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

BATCH_S = 0.05
PADDING = "x" * 110
ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


async def take_power(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer 202 to every request of a connection."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            fields = (line.partition(":") for line in head.decode("latin-1").lower().split("\r\n"))
            length = next((int(value) for name, _colon, value in fields if name == "content-length"), 0)
            await reader.readexactly(length)
            writer.write(ACCEPTED)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def write_console(socket: ServerConnection, lines_per_s: int) -> None:
    """Take any token, then write numbered lines that say when they were written, gathered as our agent gathers them."""
    with contextlib.suppress(ConnectionClosed):  # the panel left
        await _await_viewer(socket)
        await _write(socket, lines_per_s)


async def _await_viewer(socket: ServerConnection) -> None:
    async for message in socket:
        event = json.loads(message)["event"]
        if event == "auth":
            await socket.send(json.dumps({"event": "auth success", "args": []}))
        elif event == "send logs":
            return


async def _write(socket: ServerConnection, lines_per_s: int) -> None:
    started, written = time.monotonic(), 0
    while True:
        await asyncio.sleep(BATCH_S)
        due = int((time.monotonic() - started) * lines_per_s)
        lines = [f"{number} {started + number / lines_per_s:.6f} {PADDING}" for number in range(written, due)]
        if lines:
            await socket.send(json.dumps({"event": "console output", "args": lines, "seq": written}))
        written = due


async def _run(kind: str, port: int, lines_per_s: int) -> None:
    if kind == "power":
        await (await asyncio.start_server(take_power, "127.0.0.1", port)).serve_forever()
    async with serve(lambda socket: write_console(socket, lines_per_s), "127.0.0.1", port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0))
