"""What a supervisor runs, as plain values: it never reads settings itself, so it needs nothing but this."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildPlan:
    """One kind of process to keep running."""

    name: str  # "web", "worker", "agent"; the figure behind it is added: web.1
    command: tuple[str, ...]  # e.g. (sys.executable, "-m", "muntin.processes", "web")
    count: int = 1
    takes_socket: bool = False  # is given the bound socket, see muntin.supervisor.child
    says_ready: bool = True  # writes READY, see muntin.supervisor.child; else it is ready when it lived `SETTLE_S`
    waits_for_go: bool = False  # may start while the migrate step runs, see `Supervised.wait_for_go`
    overlaps: bool = True  # a new one starts before the old stops; False where two must not run at once
    environment: Mapping[str, str] = field(default_factory=dict)  # added to the supervisor's own
    ready_s: float = 30.0  # after which a child that is not ready is stopped and started again
    drain_s: float = 15.0  # after SIGTERM; then SIGKILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything one supervisor runs."""

    bind: str | None = None  # "127.0.0.1:8080", "[::1]:8080"; None binds nothing (a worker host)
    bus_path: str | None = None  # unix socket of the hub; None hosts none
    migrate: tuple[str, ...] | None = None  # runs to its end before children start, at first and at each roll
    quarantine: tuple[str, ...] | None = None  # runs with a plugin's name added when that plugin stalled a process
    children: tuple[ChildPlan, ...] = ()  # started, rolled and stopped in this order
    announcement: str = ""  # written to stdout when everything is ready for the first time
    log_format: Literal["text", "json"] = "text"

    def to_json(self) -> str:
        """The plan as text, for handing it to a fresh interpreter that has imported nothing else."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """The plan `to_json` wrote."""
        values = json.loads(text)
        children = tuple(ChildPlan(**{**child, "command": tuple(child["command"])}) for child in values.pop("children"))
        migrate = values.pop("migrate")
        return cls(**values, migrate=None if migrate is None else tuple(migrate), children=children)
