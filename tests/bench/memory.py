"""Proportional set size of a panel's processes, from `/proc`."""

from __future__ import annotations

import re
from pathlib import Path

NAMES = {"muntin.supervisor": "supervisor", "muntin.processes web": "web", "muntin.processes worker": "worker",
         "muntin_node.cli": "agent"}  # fmt: skip


def pss_of_tree(pid: int) -> dict[str, float]:
    """MiB by name of process, of a supervisor and everything below it."""
    return {_name(one): pss_mib(one) for one in (pid, *_descendants(pid))}


def pss_mib(pid: int) -> float:
    """The memory of one process in MiB, shared pages divided among those who share them."""
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(found.group(1)) / 1024 if found else 0.0


def child_called(pid: int, name: str) -> int:
    """The process id of the child with that name.

    Raises:
        StopIteration: There is none.
    """
    return next(one for one in _descendants(pid) if _name(one) == name)


def _descendants(pid: int) -> list[int]:
    children = [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [one for child in children for one in (child, *_descendants(child))]


def _name(pid: int) -> str:
    command = " ".join(Path(f"/proc/{pid}/cmdline").read_text().split("\0")).strip()
    return next((name for words, name in NAMES.items() if f" {words}" in command), command or "?")
