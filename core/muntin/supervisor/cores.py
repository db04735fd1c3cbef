"""How long a thread stood ready to run while others had the cores; on Linux, where the kernel counts it."""

from __future__ import annotations

import os
from pathlib import Path


class Queueing:
    """One thread's time in the queue for a core (`/proc/<pid>/task/<tid>/schedstat`, second number)."""

    def __init__(self, native_id: int) -> None:
        path = Path(f"/proc/self/task/{native_id}/schedstat")
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC) if path.exists() else None

    def total_s(self) -> float:
        """Seconds since the thread began; 0 where the kernel does not count."""
        if self._file is None:
            return 0.0
        fields = os.pread(self._file, 100, 0).split()
        return int(fields[1]) / 1e9 if len(fields) > 1 else 0.0
