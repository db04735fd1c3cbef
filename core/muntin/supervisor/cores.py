"""How long something stood ready to run while others had the cores; on Linux, where the kernel counts it."""

from __future__ import annotations

from pathlib import Path


def queued_s(pid: int, thread: int | None = None) -> float:
    """Seconds that a thread has waited for a core since it began; 0 where the system does not tell.

    Args:
        thread: Its native id; the main thread by default.
    """
    try:
        return int(Path(f"/proc/{pid}/task/{thread or pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0
