"""The stored output of an install: a header about the container, then what the script wrote, up to 5 MiB."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

BOUND_BYTES = 5 * 1024 * 1024
END_OF_HEADER = "------ output ------"
CUT = "[the rest of the output is not kept]"


class InstallLog:
    """Gathers lines on the loop; `flush` writes them, in a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unwritten: list[str] = []
        self._size_bytes = 0

    def begin(self, spec: Mapping[str, Any]) -> None:
        """The header: which container; of its environment the names alone, since values can be secret."""
        names = ", ".join(entry.partition("=")[0] for entry in spec["Env"])
        host = spec["HostConfig"]
        self._unwritten += [
            "muntin server installation",
            f"Image: {spec['Image']}",
            f"Entrypoint: {' '.join(spec['Cmd'])}",
            f"Memory: {host['Memory']} bytes, processes: {host['PidsLimit']}",
            f"Environment: {names}",
            END_OF_HEADER,
        ]

    def add(self, line: str) -> None:
        """A line of output."""
        if self._size_bytes > BOUND_BYTES:
            return
        self._size_bytes += len(line.encode("utf-8", "replace")) + 1
        self._unwritten.append(line if self._size_bytes <= BOUND_BYTES else CUT)

    def flush(self, *, truncate: bool = False) -> None:
        """Append what was gathered to the file; blocks."""
        lines, self._unwritten = self._unwritten, []
        if not lines and not truncate:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("w" if truncate else "a", encoding="utf-8", errors="replace") as file:
            file.writelines(f"{line}\n" for line in lines)


def stored_output(path: Path) -> str:
    """The output without its header; blocks.

    Raises:
        OSError: There is none.
    """
    content = path.read_text(encoding="utf-8", errors="replace")
    _, _, output = content.partition(END_OF_HEADER + "\n")
    return output
