"""Limits of a container in the engine's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from muntin_gameservers.contract import BuildLimits
from muntin_gameservers.node.docker_engine.facts import EngineFeatures
from muntin_node.config import NodeConfig
from muntin_node.config_sections import OverheadSection

MIB = 1024 * 1024
CPU_PERIOD_US = 100_000
BUILT_IN_MULTIPLIERS = {2048: 1.15, 4096: 1.10}
BUILT_IN_DEFAULT = 1.05


def overhead_factor(memory_mib: int, overhead: OverheadSection) -> float:
    """How much more than its limit a server may use, because runtimes such as Java's need some beside their heap."""
    multipliers = overhead.multipliers if overhead.override else BUILT_IN_MULTIPLIERS
    for ceiling_mib in sorted(multipliers):
        if memory_mib <= ceiling_mib:
            return multipliers[ceiling_mib]
    return overhead.default_multiplier if overhead.override else BUILT_IN_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the engine enforces. 0 means unlimited, for swap -1 does.

    Attributes:
        memory_mib: What was bought; the engine's hard limit is a little more.
        oom_killer: False lets processes wait for memory instead of being killed.
    """

    memory_mib: int
    hard_memory_bytes: int
    swap_mib: int
    cpu_percent: int
    threads: str | None
    io_weight: int
    pids: int
    oom_killer: bool

    def host_config(self, features: EngineFeatures) -> dict[str, Any]:
        """Keys for `HostConfig`, and only those this engine can enforce."""
        keys: dict[str, Any] = {
            "Memory": self.hard_memory_bytes,
            "MemoryReservation": self.memory_mib * MIB,
            "MemorySwap": self.memory_swap_bytes,
            "PidsLimit": self.pids or None,
        }
        if self.cpu_percent:
            keys |= {"CpuQuota": self.cpu_percent * CPU_PERIOD_US // 100, "CpuPeriod": CPU_PERIOD_US, "CpuShares": 1024}
        if self.threads:
            keys["CpusetCpus"] = self.threads
        if self.io_weight and features.io_weight:
            keys["BlkioWeight"] = max(10, self.io_weight)
        if not self.oom_killer and self.hard_memory_bytes and features.oom_kill_disable:
            keys["OomKillDisable"] = True
        return keys

    def live_update(self, features: EngineFeatures) -> dict[str, Any]:
        """Arguments to change a container that exists; pinning and limits cannot be taken off before its next start."""
        arguments: dict[str, Any] = {}
        if self.hard_memory_bytes:
            arguments |= {
                "mem_limit": self.hard_memory_bytes,
                "memswap_limit": self.memory_swap_bytes,
                "mem_reservation": self.memory_mib * MIB,
            }
        if self.cpu_percent:
            arguments |= {"cpu_quota": self.cpu_percent * CPU_PERIOD_US // 100, "cpu_period": CPU_PERIOD_US}
        if self.threads:
            arguments["cpuset_cpus"] = self.threads
        if self.io_weight and features.io_weight:
            arguments["blkio_weight"] = max(10, self.io_weight)
        return arguments

    @property
    def memory_swap_bytes(self) -> int:
        """Memory and swap together; -1 unlimited, 0 where memory is unlimited."""
        if not self.hard_memory_bytes:
            return 0
        return -1 if self.swap_mib < 0 else self.hard_memory_bytes + self.swap_mib * MIB


def run_limits(build: BuildLimits, config: NodeConfig) -> Limits:
    """Limits of a running server."""
    factor = overhead_factor(build.memory_limit, config.docker.overhead)
    return Limits(
        memory_mib=build.memory_limit,
        hard_memory_bytes=round(build.memory_limit * factor) * MIB,
        swap_mib=build.swap,
        cpu_percent=build.cpu_limit,
        threads=build.threads or None,
        io_weight=build.io_weight,
        pids=config.docker.container_pid_limit,
        oom_killer=build.oom_killer,
    )


def install_limits(build: BuildLimits, config: NodeConfig) -> Limits:
    """Limits of an install: the server's own, but not below the installer's floor."""
    floor = config.docker.installer_limits
    unlimited_cpu = build.cpu_limit == 0 or floor.cpu == 0
    generous = build.model_copy(
        update={
            "memory_limit": max(build.memory_limit, floor.memory),
            "cpu_limit": 0 if unlimited_cpu else max(build.cpu_limit, floor.cpu),
            "oom_killer": True,
        }
    )
    return run_limits(generous, config)
