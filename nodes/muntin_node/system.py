"""Figures of the machine, from /proc and the file system: no library, no subprocess."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass, field
from pathlib import Path

PROC = Path("/proc")
SKIPPED_INTERFACES = ("lo", "veth", "docker", "br-", "virbr")  # traffic there is counted on the real card already
GO_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
REAL_FILE_SYSTEMS = frozenset(
    {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "overlay", "nfs", "nfs4", "tmpfs"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """In bytes; used is what programs cannot get without pushing others out."""

    total: int
    used: int
    swap_total: int
    swap_used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """One mounted file system, in bytes."""

    device: str
    mountpoint: str
    total: int
    used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Bytes since the interface came up."""

    rx_bytes: int
    tx_bytes: int


@dataclass(slots=True)
class CpuMeter:
    """Busy share of all cores between two readings."""

    proc: Path = PROC
    _last: tuple[int, int] = field(default=(0, 0))

    def percent(self) -> float:
        """0 to 100 since the call before; the first call: since boot."""
        fields = [int(part) for part in _first_line(self.proc / "stat").split()[1:9]]
        idle, total = fields[3] + fields[4], sum(fields)
        idle_before, total_before = self._last
        self._last = (idle, total)
        elapsed = total - total_before
        return round(100.0 * (1 - (idle - idle_before) / elapsed), 2) if elapsed > 0 else 0.0


def memory(proc: Path = PROC) -> Memory:
    """Main memory and swap."""
    lines = (line.split() for line in (proc / "meminfo").read_text().splitlines())
    kib = {parts[0].rstrip(":"): int(parts[1]) for parts in lines if len(parts) >= 2}
    return Memory(
        total=kib["MemTotal"] * 1024,
        used=(kib["MemTotal"] - kib["MemAvailable"]) * 1024,
        swap_total=kib.get("SwapTotal", 0) * 1024,
        swap_used=(kib.get("SwapTotal", 0) - kib.get("SwapFree", 0)) * 1024,
    )


def disk(path: Path, proc: Path = PROC) -> Disk:
    """The file system that holds a path, or that will once it is made."""
    while not path.exists() and path != path.parent:
        path = path.parent
    found = os.statvfs(path)
    device, mountpoint = _mount_of(path.resolve(), proc)
    return Disk(
        device=device,
        mountpoint=mountpoint,
        total=found.f_blocks * found.f_frsize,
        used=(found.f_blocks - found.f_bfree) * found.f_frsize,
    )


def load(proc: Path = PROC) -> tuple[float, float, float]:
    """Load averages over 1, 5 and 15 minutes."""
    one, five, fifteen = _first_line(proc / "loadavg").split()[:3]
    return float(one), float(five), float(fifteen)


def uptime_s(proc: Path = PROC) -> int:
    """Seconds since the machine started."""
    return int(float(_first_line(proc / "uptime").split()[0]))


def traffic(net_dev: Path = PROC / "net" / "dev", *, every_interface: bool = False) -> Traffic:
    """Bytes over all interfaces; without loopback and bridges, unless `every_interface` (still without loopback)."""
    received = sent = 0
    for line in net_dev.read_text().splitlines()[2:]:
        name, _, figures = line.partition(":")
        skipped = ("lo",) if every_interface else SKIPPED_INTERFACES
        if name.strip() == "lo" or (not every_interface and name.strip().startswith(skipped)):
            continue
        columns = figures.split()
        received += int(columns[0])
        sent += int(columns[8])
    return Traffic(rx_bytes=received, tx_bytes=sent)


def cpu_count() -> int:
    """Cores this machine has online."""
    return os.cpu_count() or 1


def kernel_version() -> str:
    """E.g. `6.1.0-13-amd64`."""
    return platform.release()


def architecture() -> str:
    """In Go's words, as the protocol wants: amd64, arm64."""
    return GO_ARCHITECTURES.get(platform.machine(), platform.machine())


def os_name() -> str:
    """The distribution's own pretty name."""
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        return "Linux"


def boot_time_s() -> float:
    """Unix seconds of the machine's start."""
    return time.time() - uptime_s()


def _first_line(path: Path) -> str:
    with path.open() as file:
        return file.readline()


def _mount_of(path: Path, proc: Path) -> tuple[str, str]:
    best = ("", "/")
    for line in (proc / "self" / "mounts").read_text().splitlines():
        device, mountpoint, *_ = line.split()
        mountpoint = mountpoint.replace("\\040", " ")
        if path.is_relative_to(mountpoint) and len(mountpoint) >= len(best[1]):
            best = (device, mountpoint)
    return best
