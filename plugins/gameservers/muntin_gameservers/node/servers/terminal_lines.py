"""From the bytes of a terminal to lines."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence

from muntin_node.config_sections import ThrottlesSection

LINE_BOUND_BYTES = 64 * 1024
ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


class LineSplitter:
    """Cuts a stream of bytes into lines; a line over 64 KiB becomes several."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """The lines completed by this data."""
        pieces = (self._rest + data.replace(b" \r", b"\r\n")).split(b"\n")
        self._rest = pieces.pop()
        lines = [piece for line in pieces for piece in _cut(line)]
        while len(self._rest) > LINE_BOUND_BYTES:
            lines.append(self._rest[:LINE_BOUND_BYTES])
            self._rest = self._rest[LINE_BOUND_BYTES:]
        return [line.rstrip(b"\r").decode("utf-8", "replace") for line in lines]

    def finish(self) -> list[str]:
        """What was left without a line end."""
        rest, self._rest = self._rest, b""
        return [rest.rstrip(b"\r").decode("utf-8", "replace")] if rest.strip() else []


def _cut(line: bytes) -> list[bytes]:
    return [line[at : at + LINE_BOUND_BYTES] for at in range(0, max(len(line), 1), LINE_BOUND_BYTES)]


def without_ansi(line: str) -> str:
    """The line without colour and cursor codes."""
    return ANSI.sub("", line)


class Throttle:
    """Lets so many lines pass in each window; beyond it one warning per window."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._window_started = float("-inf")
        self._passed = 0

    def reset(self) -> None:
        """Begin anew, as on a start."""
        self._window_started = float("-inf")

    def admit(self, limits: ThrottlesSection) -> tuple[bool, bool]:
        """(the line may pass, this is the first one of the window that may not)."""
        now = self._clock()
        if now - self._window_started >= limits.line_reset_interval / 1000:
            self._window_started, self._passed = now, 0
        self._passed += 1
        return self._passed <= limits.lines, self._passed == limits.lines + 1


def joined(older: Sequence[str], newer: Sequence[str]) -> list[str]:
    """Two views of one console where the newer one may begin inside of the older one, without doubled lines."""
    for length in range(min(len(older), len(newer)), 0, -1):
        if list(older[-length:]) == list(newer[:length]):
            return [*older, *newer[length:]]
    return [*older, *newer]
