"""Figures of the machine in the two shapes the panel reads: utilization, and the bus's health."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from muntin_node import system
from muntin_node.config import NodeConfig
from muntin_node.halves import Halves
from muntin_node.threads import in_file_thread
from muntin_node.version import agent_version

_cpu = system.CpuMeter()


def utilization(config: NodeConfig) -> dict[str, Any]:
    """Host usage as `GET /api/system/utilization` shows it, in bytes and percent of all cores."""
    memory = system.memory()
    one, five, fifteen = system.load()
    disks = disk_details(config)
    return {
        "memory_total": memory.total,
        "memory_used": memory.used,
        "swap_total": memory.swap_total,
        "swap_used": memory.swap_used,
        "load_average1": one,
        "load_average5": five,
        "load_average15": fifteen,
        "cpu_percent": _cpu.percent(),
        "disk_total": sum(item["total_space"] for item in disks),
        "disk_used": sum(item["used_space"] for item in disks),
        "disk_details": disks,
    }


def disk_details(config: NodeConfig) -> list[dict[str, Any]]:
    """Every file system the node uses, once, with what it is used for."""
    folders = {
        "Root": Path("/"),
        "Logs": config.system.log_directory,
        "Data": config.system.data,
        "Archive": config.system.archive_directory,
        "Backup": config.system.backup_directory,
        "Temp": config.system.tmp_directory,
    }
    found: dict[str, dict[str, Any]] = {}
    for tag, folder in folders.items():
        disk = system.disk(folder)
        entry = {"device": disk.device, "mountpoint": disk.mountpoint, "total_space": disk.total}
        row = found.setdefault(disk.mountpoint, entry | {"used_space": disk.used, "tags": []})
        row["tags"].append(tag)
    return list(found.values())


class HealthReporter:
    """Makes the data of the bus's topic `health`."""

    def __init__(self, boot_id: str, halves: Halves, data: Path) -> None:
        self._boot_id = boot_id
        self._halves = halves
        self._data = data
        self._cpu = system.CpuMeter()

    async def report(self) -> dict[str, object]:
        """Version, halves, and what the machine has and uses; bytes, seconds, percent of all cores."""
        halves, reports = self._halves.health()
        return {
            "version": agent_version(),
            "boot_id": self._boot_id,
            "halves": halves,
            "reports": reports,
            **await in_file_thread(self._machine),
        }

    def _machine(self) -> Mapping[str, object]:
        memory, disk, traffic = system.memory(), system.disk(self._data), system.traffic()
        return {
            "capacity": {"cpu_count": system.cpu_count(), "memory_bytes": memory.total, "disk_bytes": disk.total},
            "used": {
                "cpu_percent": self._cpu.percent(),
                "memory_bytes": memory.used,
                "disk_bytes": disk.used,
                "load": list(system.load()),
                "net": {"rx_bytes": traffic.rx_bytes, "tx_bytes": traffic.tx_bytes},
                "uptime_s": system.uptime_s(),
            },
        }
