from __future__ import annotations

import os
import socket
from pathlib import Path

from muntin_node import system
from muntin_node.addresses import host_addresses

MEMINFO = "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 600 kB\nSwapTotal: 50 kB\nSwapFree: 20 kB\nHugePages: 0\n"
NET_DEV = """Inter-|   Receive            |  Transmit
 face |bytes    packets errs |bytes    packets errs
    lo: 500 5 0 0 0 0 0 0 500 5 0 0 0 0 0 0
  eth0:1000 5 0 0 0 0 0 0 200 5 0 0 0 0 0 0
vethab12: 70 1 0 0 0 0 0 0 80 1 0 0 0 0 0 0
docker0: 60 1 0 0 0 0 0 0 90 1 0 0 0 0 0 0
"""


def test_memory_in_use_is_what_programs_cannot_get(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text(MEMINFO)

    assert system.memory(tmp_path) == system.Memory(total=1_024_000, used=409_600, swap_total=51_200, swap_used=30_720)


def test_the_cpu_share_is_of_the_time_between_two_readings(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    meter = system.CpuMeter(tmp_path)
    stat.write_text("cpu 100 0 100 700 100 0 0 0 0 0\n")
    since_boot = meter.percent()
    stat.write_text("cpu 160 0 140 780 120 0 0 0 0 0\n")

    assert (since_boot, meter.percent(), meter.percent()) == (20.0, 50.0, 0.0)


def test_traffic_counts_cards_and_not_what_is_behind_them(tmp_path: Path) -> None:
    (tmp_path / "dev").write_text(NET_DEV)

    machine = system.traffic(tmp_path / "dev")
    container = system.traffic(tmp_path / "dev", every_interface=True)

    assert machine == system.Traffic(rx_bytes=1_000, tx_bytes=200)
    assert container == system.Traffic(rx_bytes=1_130, tx_bytes=370)


def test_the_disk_of_a_folder_that_is_not_there_yet_is_the_one_it_will_be_on(tmp_path: Path) -> None:
    found = system.disk(tmp_path / "not" / "yet")

    assert (found.total, found.mountpoint) == (
        os.statvfs(tmp_path).f_blocks * os.statvfs(tmp_path).f_frsize,
        system.disk(tmp_path).mountpoint,
    )
    assert 0 < found.used <= found.total


def test_this_machines_figures_are_plausible() -> None:
    memory = system.memory()

    assert 0 < memory.used < memory.total
    assert system.cpu_count() == os.cpu_count()
    assert system.uptime_s() > 0
    assert all(value >= 0 for value in system.load())
    assert 0 <= system.CpuMeter().percent() <= 100


def test_addresses_can_be_bound_and_are_not_loopback() -> None:
    found = host_addresses()

    assert not [item for item in found if item.startswith(("127.", "::1", "fe80"))]
    for item in found:
        family = socket.AF_INET6 if ":" in item else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((item, 0))
