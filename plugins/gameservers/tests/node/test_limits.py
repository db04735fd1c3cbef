from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
async def uuid(node: Any) -> str:
    return str(await node.running(build={"memory_limit": 64, "cpu_limit": 50}, crash_detection_enabled=False))


async def test_process_has_no_capability_and_cannot_gain_any(node: Any, uuid: str) -> None:
    status = await node.ask(uuid, "grep -E 'Cap|NoNew' /proc/self/status")

    assert dict(line.split() for line in status) == {
        "CapInh:": "0000000000000000",
        "CapPrm:": "0000000000000000",
        "CapEff:": "0000000000000000",
        "CapBnd:": "0000000000000000",
        "CapAmb:": "0000000000000000",
        "NoNewPrivs:": "1",
    }


async def test_process_is_a_plain_user(node: Any, uuid: str) -> None:
    assert await node.ask(uuid, "id -u; id -g; grep container /etc/passwd") == [
        "988",
        "988",
        "container:x:988:988:container:/home/container:/bin/sh",
    ]


async def test_root_file_system_is_read_only_but_home_and_tmp_are_not(node: Any, uuid: str) -> None:
    said = await node.ask(uuid, "touch /x /home/container/x /tmp/x; ls -1 /home/container/x /tmp/x")

    assert said == ["touch: /x: Read-only file system", "/home/container/x", "/tmp/x"]


async def test_tmp_is_bounded(node: Any, uuid: str) -> None:
    container = node.container(uuid)

    assert container["HostConfig"]["Tmpfs"] == {"/tmp": "rw,exec,nosuid,size=100M"}


async def test_fork_bomb_hits_the_limit_of_processes(node: Any, uuid: str) -> None:
    said = await node.ask(uuid, "(for i in $(seq 60); do sleep 2 & done) 2>&1 | head -3; echo still here")

    assert any("can't fork" in line for line in said)
    assert said[-1] == "still here"


async def test_memory_and_cpu_limits_are_those_of_the_control_group(node: Any, uuid: str) -> None:
    host = node.container(uuid)["HostConfig"]

    assert {key: host[key] for key in ("Memory", "MemorySwap", "MemoryReservation", "CpuQuota", "CpuPeriod")} == {
        "Memory": 74 * 1024 * 1024,
        "MemorySwap": 74 * 1024 * 1024,
        "MemoryReservation": 64 * 1024 * 1024,
        "CpuQuota": 50_000,
        "CpuPeriod": 100_000,
    }
    assert host["PidsLimit"] == 40


async def test_child_that_takes_too_much_memory_is_killed_and_the_console_says_so(node: Any, uuid: str) -> None:
    await node.ask(uuid, "tail /dev/zero")

    await node.says(uuid, "Memory ran out; a process of the server was killed.")
    assert (await node.details(uuid))["state"] == "running"


async def test_cpu_quota_bounds_what_a_busy_loop_gets(node: Any, uuid: str) -> None:
    await node.ask(uuid, "yes > /dev/null & echo $! > /tmp/busy")

    samples: set[float] = set()

    async def seen_often() -> bool:
        percent = float((await node.details(uuid))["utilization"]["cpu_absolute"])
        samples.update([percent] if percent > 5 else [])  # on a busy machine it gets less than it may have
        return len(samples) >= 3

    await node.until(seen_often)
    await node.ask(uuid, "kill $(cat /tmp/busy)")

    assert max(samples) < 80


async def test_mounts_are_the_home_and_small_files_read_only(node: Any, uuid: str) -> None:
    mounts = {mount["Destination"]: mount["RW"] for mount in node.container(uuid)["Mounts"]}

    assert mounts == {"/home/container": True, "/etc/passwd": False, "/etc/group": False, "/etc/machine-id": False}


async def test_mount_outside_of_the_allowed_folders_is_left_out(lonely_node: Any) -> None:
    allowed, forbidden = lonely_node.folder / "maps", lonely_node.folder / "maps-secret"
    for folder in (allowed, forbidden):
        folder.mkdir()
    (allowed / "link").symlink_to("/etc")
    lonely_node.configure(allowed_mounts=[str(allowed)])
    await lonely_node.start()
    sources = (allowed, forbidden, allowed / ".." / "maps-secret", allowed / "link", lonely_node.folder / "gone")
    mounts = [
        {"source": str(source), "target": f"/mnt/{number}", "read_only": True} for number, source in enumerate(sources)
    ]

    uuid = await lonely_node.running(mounts=mounts)

    assert await lonely_node.ask(uuid, "ls /mnt") == ["0"]
