"""Many viewers of one console in one process: raw websocket frames, each distinct frame parsed once.

`python -m tests.bench.viewers <port> <path> <authorization> <viewers> <seconds per round> <rounds>` writes a line of
JSON when all are connected, and one per round.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import cast

import uvloop

HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nAuthorization: {authorization}\r\n\r\n"
)
SETTLE_S = 3.0


def next_frame(data: bytearray | bytes, start: int) -> tuple[int, int] | None:
    """Where the payload of the frame at `start` begins and ends (a server masks nothing); `None` if it is not whole."""
    if len(data) < start + 2:
        return None
    begin, size = start + 2, data[start + 1]
    if size == 126:
        begin, size = start + 4, int.from_bytes(data[start + 2 : start + 4], "big")
    elif size == 127:
        begin, size = start + 10, int.from_bytes(data[start + 2 : start + 10], "big")
    return (begin, begin + size) if begin + size <= len(data) else None


@lru_cache(maxsize=256)
def read_lines(payload: bytes) -> tuple[int, int, float] | None:
    """Numbers of the first and last line of a console frame, and when the first was written; `None` for other frames.

    Raises:
        ValueError: The lines inside are not consecutive, or not numbered as the frame says.
    """
    frame = json.loads(payload)
    if frame["type"] == "skipped":
        raise ValueError(f"a viewer that reads was told of skipped lines: {frame}")
    if frame["type"] != "console_output":
        return None
    lines = [line.split(" ", 2) for line in frame["message"].split("\n")]
    first, last = int(lines[0][0]), frame["seq"]
    if [int(line[0]) for line in lines] != list(range(first, last + 1)):
        raise ValueError(f"not in order: {frame}")
    return first, last, float(lines[0][1])


class Viewer(asyncio.Protocol):
    """One connection; notes how old the oldest line of each frame is, and whether a line is missing."""

    def __init__(self, request: bytes, ages: list[tuple[float, int]]) -> None:
        self._request = request
        self._ages = ages
        self._rest = b""
        self.is_open = False
        self.last = -1
        self.missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the websocket."""
        cast(asyncio.Transport, transport).write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        """A viewer that was closed sees nothing more, and its round says so."""
        self.is_open = False

    def data_received(self, data: bytes) -> None:
        """Take what is whole."""
        data = self._rest + data if self._rest else data
        start = 0
        if not self.is_open:
            start = data.find(b"\r\n\r\n") + 4
            if start == 3 or not data.startswith(b"HTTP/1.1 101"):
                raise ConnectionError(data[:300].decode("latin-1"))
            self.is_open = True
        while (found := next_frame(data, start)) is not None:
            self._take(data[found[0] : found[1]])
            start = found[1]
        self._rest = data[start:]

    def _take(self, payload: bytes) -> None:
        lines = read_lines(payload)
        if lines is None:
            return
        first, last, written_at = lines
        if self.last >= 0:
            self.missing += abs(first - self.last - 1)
        self.last = last
        self._ages.append((time.monotonic() - written_at, last - first + 1))


def percentile(ages: Sequence[tuple[float, int]], share: float) -> float:
    """The age below which that share of lines is, in milliseconds; each line counts as old as its frame's oldest."""
    wanted, seen = share * sum(lines for _age, lines in ages), 0
    for age_s, lines in sorted(ages):
        seen += lines
        if seen >= wanted:
            return 1000 * age_s
    return float("inf")


async def watch(port: int, path: str, authorization: str, viewers: int, seconds: float, rounds: int) -> None:
    """Connect, settle, and report each round."""
    loop, ages = asyncio.get_running_loop(), list[tuple[float, int]]()
    request = HANDSHAKE.format(path=path, authorization=authorization).encode()
    watching: list[Viewer] = []
    for _number in range(viewers):
        _transport, viewer = await loop.create_connection(lambda: Viewer(request, ages), "127.0.0.1", port)
        watching.append(viewer)
        await asyncio.sleep(0.01)
    async with asyncio.timeout(60):
        while not all(viewer.last >= 0 for viewer in watching):  # noqa: ASYNC110 - five hundred viewers announce nothing
            await asyncio.sleep(0.1)
    await asyncio.sleep(SETTLE_S)
    _say(connected=viewers)
    for _round in range(rounds):
        ages.clear()
        before, missing = sum(viewer.last for viewer in watching), sum(viewer.missing for viewer in watching)
        await asyncio.sleep(seconds)
        taken = tuple(ages)
        _say(
            lines=sum(viewer.last for viewer in watching) - before,
            missing=sum(viewer.missing for viewer in watching) - missing,
            closed=sum(not viewer.is_open for viewer in watching),
            behind=max(viewer.last for viewer in watching) - min(viewer.last for viewer in watching),
            p50_ms=percentile(taken, 0.5),
            p99_ms=percentile(taken, 0.99),
        )


def _say(**values: float) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(
        watch(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5]), int(sys.argv[6]))
    )
