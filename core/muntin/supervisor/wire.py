"""What supervisor and child agree on: environment names and the lines a child writes to its control pipe."""

from __future__ import annotations

import time

CONTROL_VARIABLE = "MUNTIN_CONTROL_FD"  # write end of the pipe
SOCKET_VARIABLE = "MUNTIN_SOCKET_FD"  # the bound, listening socket
NAME_VARIABLE = "MUNTIN_PROCESS_NAME"  # "web.1"
PARENT_VARIABLE = "MUNTIN_SUPERVISOR_PID"

READY = "READY"  # it serves; what it replaces may stop
BEAT = "BEAT"  # its loop turns; at least once per BEAT_S
STALLED = "STALLED"  # + JSON {"plugin": str | null, "stalled_s": float, "stack": str}
ROLL = "ROLL"  # + id: replace every process, once per id

BEAT_S = 1.0
MAX_LINE_BYTES = 4096  # what a pipe takes in one piece


def roll_id(data: object) -> str:
    """The id in the data of a `supervisor.roll` message: `{"id": ...}` or the id itself; a fresh one where none is."""
    found = data.get("id") if isinstance(data, dict) else data
    return str(found or f"roll-{time.monotonic_ns()}").replace("\n", " ")[:200]
