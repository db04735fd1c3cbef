"""A viewer that opens a console and then does not read for a while."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.bench.viewers import HANDSHAKE, next_frame

SEGMENT_BYTES, RECEIVED_BYTES = 536, 4096
"""Small, so that what the kernel keeps for a sleeper is little and the panel soon feels that nobody reads."""


@dataclass(frozen=True, slots=True)
class Awoken:
    """What a sleeper found when it read again.

    Attributes:
        skipped: Lines it was told it missed.
        unaccounted: Lines it neither got nor was told of.
    """

    skipped: int
    unaccounted: int


class Sleeper:
    """Opens the socket at once."""

    def __init__(self, port: int, path: str, authorization: str) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED_BYTES)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_BYTES)
        self._socket.settimeout(20)
        self._socket.connect(("127.0.0.1", port))
        self._socket.sendall(HANDSHAKE.format(path=path, authorization=authorization).encode())

    def wake(self) -> Awoken:
        """Read until the lines after the marker came; blocks."""
        last, skipped, unaccounted = -1, 0, 0
        for frame in self._frames():
            if frame["type"] == "skipped":
                skipped += frame["count"]
                unaccounted += abs(frame["seq"] - last - frame["count"])
                last = frame["seq"]
            elif frame["type"] == "console_output":
                first = int(frame["message"].split(" ", 1)[0])
                unaccounted += abs(first - last - 1) if last >= 0 else 0
                last = frame["seq"]
                if skipped:
                    break
        self._socket.close()
        return Awoken(skipped, unaccounted)

    def _frames(self) -> Iterator[dict[str, Any]]:
        data = bytearray()
        while b"\r\n\r\n" not in data:
            data += self._socket.recv(65536)
        del data[: data.index(b"\r\n\r\n") + 4]
        while True:
            found = next_frame(data, 0)
            if found is None:
                data += self._socket.recv(65536)
                continue
            yield json.loads(bytes(data[found[0] : found[1]]))
            del data[: found[1]]
