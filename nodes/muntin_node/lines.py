"""Bytes of a terminal or pipe, cut into lines."""

from __future__ import annotations

from muntin_node.fanout import MAX_LINE_BYTES


class LineSplitter:
    """Keeps at most one unfinished line; what exceeds 64 KiB without a line end goes on as a further line."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[str]:
        """The lines that this chunk ends, without line ends (`\\n`, `\\r\\n`)."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        while len(self._rest) > MAX_LINE_BYTES:
            lines.append(self._rest[:MAX_LINE_BYTES])
            self._rest = self._rest[MAX_LINE_BYTES:]
        return [text for line in lines for text in _cut(line)]

    def end(self) -> list[str]:
        """The unfinished line, if there is one."""
        rest, self._rest = self._rest, b""
        return _cut(rest) if rest else []


def _cut(line: bytes) -> list[str]:
    line = line.removesuffix(b"\r")
    parts = range(0, max(len(line), 1), MAX_LINE_BYTES)
    return [line[at : at + MAX_LINE_BYTES].decode("utf-8", "replace") for at in parts]
