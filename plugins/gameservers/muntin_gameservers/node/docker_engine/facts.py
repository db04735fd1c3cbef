"""What the engine says about containers and itself, reduced to what we use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

NEVER = datetime(1, 1, 1, tzinfo=UTC)


def engine_time(text: str) -> datetime:
    """Parse the engine's RFC 3339 times, whose nine digits of a second Python does not read."""
    head, _, fraction = text.rstrip("Z").partition(".")
    moment = datetime.fromisoformat(head).replace(tzinfo=UTC)
    return moment.replace(microsecond=int(fraction[:6].ljust(6, "0")) if fraction[:6].isdigit() else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerFacts:
    """One container as inspected. `pid` is 0 while it does not run; `exit_code` counts only then."""

    id: str
    name: str
    running: bool
    pid: int
    exit_code: int
    oom_killed: bool
    started_at: datetime
    finished_at: datetime
    stop_signal: str
    memory_limit_bytes: int
    error: str
    labels: Mapping[str, str]

    @classmethod
    def from_inspect(cls, answer: Mapping[str, Any]) -> ContainerFacts:
        """Read the answer of `GET /containers/{id}/json`."""
        state, config = answer["State"], answer["Config"]
        return cls(
            id=answer["Id"],
            name=answer["Name"].removeprefix("/"),
            running=bool(state["Running"]),
            pid=int(state["Pid"]),
            exit_code=int(state["ExitCode"]),
            oom_killed=bool(state["OOMKilled"]),
            started_at=engine_time(state["StartedAt"]),
            finished_at=engine_time(state["FinishedAt"]),
            stop_signal=config.get("StopSignal") or "SIGTERM",
            memory_limit_bytes=int(answer["HostConfig"].get("Memory") or 0),
            error=state.get("Error") or "",
            labels=config.get("Labels") or {},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineEvent:
    """One line of the engine's event stream about a container."""

    action: str
    container_id: str
    name: str

    @classmethod
    def from_stream(cls, line: Mapping[str, Any]) -> EngineEvent:
        """Read one decoded event."""
        actor = line.get("Actor") or {}
        return cls(
            action=str(line.get("Action", "")),
            container_id=str(actor.get("ID", "")),
            name=str((actor.get("Attributes") or {}).get("name", "")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFeatures:
    """What this engine and its kernel can do; asked once per connection."""

    version: str
    cgroup_driver: str
    cgroup_version: str
    storage_driver: str
    storage_filesystem: str
    runc_version: str
    containers: int
    running: int
    paused: int
    stopped: int
    swap_limit: bool
    io_weight: bool
    oom_kill_disable: bool

    @classmethod
    def from_info(cls, info: Mapping[str, Any], *, io_weight: bool) -> EngineFeatures:
        """Read the answer of `GET /info`."""
        status = dict(info.get("DriverStatus") or [])
        return cls(
            version=str(info.get("ServerVersion", "")),
            cgroup_driver=str(info.get("CgroupDriver", "")),
            cgroup_version=str(info.get("CgroupVersion", "1")),
            storage_driver=str(info.get("Driver", "")),
            storage_filesystem=str(status.get("Backing Filesystem", "")),
            runc_version=str((info.get("RuncCommit") or {}).get("ID", "")),
            containers=int(info.get("Containers", 0)),
            running=int(info.get("ContainersRunning", 0)),
            paused=int(info.get("ContainersPaused", 0)),
            stopped=int(info.get("ContainersStopped", 0)),
            swap_limit=bool(info.get("SwapLimit", False)),
            io_weight=io_weight,
            oom_kill_disable=bool(info.get("OomKillDisable", False)),
        )
