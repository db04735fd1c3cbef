"""Processes that fled from their session: adopted by the agent, known by a mark in their environment."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

PROC = Path("/proc")
PR_SET_CHILD_SUBREAPER = 36
PASSES = 250
PASS_S = 0.02


@cache
def adopt() -> None:
    """Have orphans below this process become its children instead of init's."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


async def end_marked(name: str, value: str = "") -> bool:
    """Kill all processes below this one whose environment holds `name=value` (any value, if none is given).

    Returns:
        Whether none is left; False if they breed faster than they die, for 5 s.
    """
    mark = f"{name}={value}".encode()
    for _ in range(PASSES):
        found = [pid for pid in _descendants() if _is_marked(pid, mark)]
        if not found:
            return True
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(PASS_S)  # their children become ours only when they are gone: look again
    return False


_ended_before: set[int] = set()


def reap(spared: Collection[int]) -> None:
    """Reap adopted children that have ended and that nobody else reaped since the call before this one."""
    ended = {pid for pid in _children() if pid not in spared and _state(pid) == "Z"}
    for pid in ended & _ended_before:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
    _ended_before.clear()
    _ended_before.update(ended)


def _children(pid: int | None = None) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in (PROC / str(pid or "self") / "task").iterdir():
            with contextlib.suppress(OSError):
                found += map(int, (task / "children").read_text().split())
    return found


def _descendants() -> Iterator[int]:
    pending = list(_children())
    while pending:
        pid = pending.pop()
        yield pid
        pending += _children(pid)


def _is_marked(pid: int, mark: bytes) -> bool:
    with contextlib.suppress(OSError):
        variables = (PROC / str(pid) / "environ").read_bytes().split(b"\0")
        return any(item == mark if not mark.endswith(b"=") else item.startswith(mark) for item in variables)
    return False


def _state(pid: int) -> str:
    with contextlib.suppress(OSError, IndexError):
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    return ""
