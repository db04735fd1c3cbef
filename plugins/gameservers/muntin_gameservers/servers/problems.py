"""Why a server is not as it should be: how it ended stays told until it runs again, whatever else is tried."""

from __future__ import annotations

from typing import Any

from muntin_gameservers.contract import NEVER_RAN, LastExit, StateChange
from muntin_gameservers.models import ServerRow


def last_exit_of(change: StateChange) -> dict[str, Any] | None:
    """How a server ended, as it is kept: `LastExit` and whether that was a failure; `None` when it did not end now."""
    ended = change.last_exit
    if ended is None or change.new_state != "offline":
        return None
    return {**ended.model_dump(), "failed": _failed(ended, before=change.previous_state)}


def _failed(ended: LastExit, *, before: str) -> bool:
    """A start that did not come about, or an end with an error that nobody asked for."""
    if ended.code == 0 and not ended.oom:
        return False
    return ended.code == NEVER_RAN or before in ("starting", "running")


def standing_problem(server: ServerRow) -> str:
    """Why it ended the last time, if that was a failure and it did not run since; else empty."""
    ended = server.last_exit
    if not isinstance(ended, dict) or not ended.get("failed"):
        return ""
    return str(ended.get("reason", ""))
