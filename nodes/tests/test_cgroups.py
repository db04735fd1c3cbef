from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from muntin_node.cgroups import CgroupUsage, read_traffic, read_usage

MEMORY_STAT_V2 = """anon 5300224
file 1806336
kernel 643072
inactive_anon 5279744
active_anon 4096
inactive_file 1757184
active_file 49152
unevictable 0
"""
CPU_STAT_V2 = "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\nnr_periods 120\nnr_throttled 3\n"
IO_STAT_V2 = (
    "254:0 rbytes=1048576 wbytes=4096 rios=20 wios=1 dbytes=0 dios=0\n"
    "254:16 rbytes=1000 wbytes=2000 rios=1 wios=1 dbytes=0 dios=0\n7:0\n"
)
GROUP = "system.slice/docker-0123456789ab.scope"


@pytest.fixture
def v2(tmp_path: Path) -> Path:
    """A v2 tree with one container's group, and the process's own files."""
    (tmp_path / "proc" / "42").mkdir(parents=True)
    (tmp_path / "proc" / "42" / "cgroup").write_text(f"0::/{GROUP}\n")
    group = tmp_path / "cgroup" / GROUP
    group.mkdir(parents=True)
    contents = {
        "memory.current": "7749632\n",
        "memory.max": "536870912\n",
        "memory.stat": MEMORY_STAT_V2,
        "memory.events": "low 0\nhigh 0\nmax 14\noom 2\noom_kill 2\noom_group_kill 0\n",
        "cpu.stat": CPU_STAT_V2,
        "pids.current": "7\n",
        "io.stat": IO_STAT_V2,
    }
    for name, content in contents.items():
        (group / name).write_text(content)
    return tmp_path


def test_a_v2_group_is_read(v2: Path) -> None:
    usage = read_usage(42, proc=v2 / "proc", cgroups=v2 / "cgroup")

    assert usage == CgroupUsage(
        memory_bytes=7_749_632 - 1_757_184,
        memory_limit_bytes=536_870_912,
        cpu_usage_ns=2_500_000_000,
        pids=7,
        oom_kills=2,
        io_read_bytes=1_049_576,
        io_write_bytes=6_096,
    )


def test_a_v2_group_without_limits_and_without_io_is_read(v2: Path) -> None:
    group = v2 / "cgroup" / GROUP
    (group / "memory.max").write_text("max\n")
    (group / "io.stat").unlink()

    usage = read_usage(42, proc=v2 / "proc", cgroups=v2 / "cgroup")

    assert (usage.memory_limit_bytes, usage.io_read_bytes, usage.io_write_bytes) == (0, 0, 0)


def test_a_group_that_vanishes_is_a_process_that_is_gone(v2: Path) -> None:
    for file in (v2 / "cgroup" / GROUP).iterdir():
        file.unlink()
    (v2 / "cgroup" / GROUP).rmdir()

    with pytest.raises(ProcessLookupError):
        read_usage(42, proc=v2 / "proc", cgroups=v2 / "cgroup")


def test_a_v1_tree_is_read(tmp_path: Path) -> None:
    path = "docker/0123456789ab"
    (tmp_path / "proc" / "7").mkdir(parents=True)
    (tmp_path / "proc" / "7" / "cgroup").write_text(
        f"9:name=systemd:/{path}\n8:pids:/{path}\n7:blkio:/{path}\n4:memory:/{path}\n2:cpu,cpuacct:/{path}\n0::/\n"
    )
    contents = {
        "memory/memory.usage_in_bytes": "2000000\n",
        "memory/memory.limit_in_bytes": "9223372036854771712\n",
        "memory/memory.stat": "cache 10\ninactive_file 5\ntotal_inactive_file 500000\n",
        "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
        "cpuacct/cpuacct.usage": "123456789\n",
        "pids/pids.current": "4\n",
        "blkio/blkio.throttle.io_service_bytes_recursive": "254:0 Read 100\n254:0 Write 50\nTotal 150\n",
    }
    for name, content in contents.items():
        controller, file = name.split("/")
        (tmp_path / "cg" / controller / path).mkdir(parents=True, exist_ok=True)
        (tmp_path / "cg" / controller / path / file).write_text(content)

    assert read_usage(7, proc=tmp_path / "proc", cgroups=tmp_path / "cg") == CgroupUsage(
        memory_bytes=1_500_000,
        memory_limit_bytes=0,
        cpu_usage_ns=123_456_789,
        pids=4,
        oom_kills=3,
        io_read_bytes=100,
        io_write_bytes=50,
    )


def test_this_machines_own_tree_is_read() -> None:
    before = read_usage(os.getpid())
    sum(number * number for number in range(2_000_000))
    after = read_usage(os.getpid())

    assert after.cpu_usage_ns > before.cpu_usage_ns
    assert after.memory_bytes > 0
    assert read_traffic(os.getpid()).rx_bytes >= 0


def test_a_process_that_has_ended_is_gone() -> None:
    child = subprocess.Popen(["true"])
    child.wait()

    with pytest.raises(ProcessLookupError):
        read_usage(child.pid)
    with pytest.raises(ProcessLookupError):
        read_traffic(child.pid)
