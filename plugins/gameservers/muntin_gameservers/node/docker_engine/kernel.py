"""What the running kernel can limit."""

from __future__ import annotations

from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def io_weight_supported() -> bool:
    """Whether block IO can be weighted: cgroup v2's `io.weight` or v1's `blkio.weight` (BFQ)."""
    if (CGROUPS / "cgroup.controllers").exists():
        return any(CGROUPS.glob("*.slice/io.weight")) or any(CGROUPS.glob("*.slice/io.bfq.weight"))
    return any((CGROUPS / "blkio" / name).exists() for name in ("blkio.weight", "blkio.bfq.weight"))
