"""What supervisor and child agree on: environment names, the lines a child writes to its control pipe, topics."""

from __future__ import annotations

import time

CONTROL_VARIABLE = "MUNTIN_CONTROL_FD"  # write end of the pipe
GO_VARIABLE = "MUNTIN_GO_FD"  # read end of a pipe, where a child is to wait; a byte says go, its end says never
SOCKET_VARIABLE = "MUNTIN_SOCKET_FD"  # the bound, listening socket
NAME_VARIABLE = "MUNTIN_PROCESS_NAME"  # "web.1"
PARENT_VARIABLE = "MUNTIN_SUPERVISOR_PID"
MARKER_VARIABLE = "MUNTIN_MARKER_FD"  # memory in which a child notes whose code runs

READY = "READY"  # it serves; what it replaces may stop
BEAT = "BEAT"  # its loop turns; at least once per BEAT_S
STALLED = "STALLED"  # + JSON {"plugin": str | null, "stalled_s": float, "stack": str}
BLOATED = "BLOATED"  # + JSON {"plugin": str | null, "rss_mib": int, "limit_mib": int, "urgent": bool}
ROLL = "ROLL"  # + id: replace every process, once per id

BLAMED_TOPIC = "supervisor.blamed"
"""On the bus, by the supervisor: `{"plugin", "reason", "loading"}`; whoever hears it first takes the plugin out."""
TAKEN_OUT_TOPIC = "plugins.quarantined"
"""On the bus, by a process that has taken a plugin out: `{"plugin"}`."""
CHILD_TOPIC = "supervisor.child"
"""On the bus, by the supervisor: `{"name", "pid", "event"}`; the event is `started`, `ready`, `never became ready`,
`died` or `stopped` (another one took its place)."""

BEAT_S = 1.0
MAX_LINE_BYTES = 4096  # what a pipe takes in one piece


def roll_id(data: object) -> str:
    """The id in the data of a `supervisor.roll` message: `{"id": ...}` or the id itself; a fresh one where none is."""
    found = data.get("id") if isinstance(data, dict) else data
    return str(found or f"roll-{time.monotonic_ns()}").replace("\n", " ")[:200]
