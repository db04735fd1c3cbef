"""What a process and all in its control group use, from the files of cgroup v1 or v2."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from muntin_node.system import Traffic, traffic

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")
NO_LIMIT_BYTES = 1 << 60  # v1 writes a huge number where nothing is limited


@dataclass(frozen=True, slots=True, kw_only=True)
class CgroupUsage:
    """Figures of one control group.

    Attributes:
        memory_bytes: Without the file cache that the kernel may drop (inactive file).
        memory_limit_bytes: 0 means unlimited.
        cpu_usage_ns: Time used on all cores since the group was made.
        oom_kills: Processes the kernel killed for want of memory.
        io_read_bytes: From block devices since the group was made.
    """

    memory_bytes: int
    memory_limit_bytes: int
    cpu_usage_ns: int
    pids: int
    oom_kills: int
    io_read_bytes: int
    io_write_bytes: int


def read_usage(pid: int, *, proc: Path = PROC, cgroups: Path = CGROUPS) -> CgroupUsage:
    """The figures of the group a process is in. About ten small reads; no waiting.

    Raises:
        ProcessLookupError: The process is gone (its group with it).
    """
    groups = _groups(pid, proc)
    try:
        if "memory" in groups:
            return _read_v1(groups, cgroups)
        return _read_v2(groups[""], _v2_root(cgroups))
    except (OSError, KeyError):  # ENOENT, or ENODEV for a group removed while it was read
        raise ProcessLookupError(f"process {pid} is gone") from None


def read_traffic(pid: int, *, proc: Path = PROC) -> Traffic:
    """Bytes through the network namespace of a process, without its loopback.

    Raises:
        ProcessLookupError: The process is gone.
    """
    try:
        return traffic(proc / str(pid) / "net" / "dev", every_interface=True)
    except OSError:
        raise ProcessLookupError(f"process {pid} is gone") from None


def _groups(pid: int, proc: Path) -> dict[str, str]:
    """Controller -> path of the group; "" stands for the unified (v2) tree."""
    try:
        lines = (proc / str(pid) / "cgroup").read_text().splitlines()
    except OSError:
        raise ProcessLookupError(f"process {pid} is gone") from None
    found = {}
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            found[controller] = path.lstrip("/")
    return found


def _v2_root(cgroups: Path) -> Path:
    return cgroups / "unified" if (cgroups / "unified").is_dir() else cgroups


def _read_v1(groups: dict[str, str], cgroups: Path) -> CgroupUsage:
    memory = cgroups / "memory" / groups["memory"]
    limit = _number(memory / "memory.limit_in_bytes")
    inactive = _table(memory / "memory.stat").get("total_inactive_file", 0)
    read, written = _v1_io(cgroups / "blkio" / groups.get("blkio", ""))
    return CgroupUsage(
        memory_bytes=max(0, _number(memory / "memory.usage_in_bytes") - inactive),
        memory_limit_bytes=limit if limit < NO_LIMIT_BYTES else 0,
        cpu_usage_ns=_number(cgroups / "cpuacct" / groups["cpuacct"] / "cpuacct.usage"),
        pids=_number(cgroups / "pids" / groups.get("pids", "") / "pids.current"),
        oom_kills=_table(memory / "memory.oom_control").get("oom_kill", 0),
        io_read_bytes=read,
        io_write_bytes=written,
    )


def _read_v2(path: str, root: Path) -> CgroupUsage:
    group = root / path
    inactive = _table(group / "memory.stat").get("inactive_file", 0)
    read, written = _v2_io(group / "io.stat")
    return CgroupUsage(
        memory_bytes=max(0, _number(group / "memory.current") - inactive),
        memory_limit_bytes=_number(group / "memory.max"),
        cpu_usage_ns=_table(group / "cpu.stat")["usage_usec"] * 1_000,
        pids=_number(group / "pids.current"),
        oom_kills=_table(group / "memory.events").get("oom_kill", 0),
        io_read_bytes=read,
        io_write_bytes=written,
    )


def _number(path: Path) -> int:
    """A file with one number; `max`, or no such file (the root group, a controller left out), counts as 0."""
    try:
        text = path.read_text().strip()
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise  # the group itself is gone
        return 0
    return 0 if text == "max" else int(text)


def _table(path: Path) -> dict[str, int]:
    """Lines `name number`; no such file is an empty table."""
    try:
        rows = (line.split() for line in path.read_text().splitlines())
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise
        return {}
    return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}


def _v1_io(group: Path) -> tuple[int, int]:
    for name in ("blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_service_bytes"):
        try:
            rows = [line.split() for line in (group / name).read_text().splitlines()]
        except FileNotFoundError:
            continue
        read = sum(int(row[2]) for row in rows if len(row) == 3 and row[1] == "Read")
        return read, sum(int(row[2]) for row in rows if len(row) == 3 and row[1] == "Write")
    return 0, 0


def _v2_io(path: Path) -> tuple[int, int]:
    if not path.exists():
        return 0, 0
    pairs = [pair.split("=") for line in path.read_text().splitlines() for pair in line.split()[1:]]
    read = sum(int(pair[1]) for pair in pairs if pair[0] == "rbytes")
    return read, sum(int(pair[1]) for pair in pairs if pair[0] == "wbytes")
