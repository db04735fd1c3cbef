"""Whether a server that ended by itself is started again."""

from __future__ import annotations

from enum import Enum

from muntin_gameservers.contract import LastExit
from muntin_node.config_sections import CrashDetectionSection


class Verdict(Enum):
    """What happens after a server ended by itself; the value is said on its console."""

    RESTART = "The server ended by itself and is started again."
    DISABLED = "The server ended by itself. Crash detection is off, so it stays offline."
    CLEAN = "The server ended by itself with exit code 0, which does not count as a crash."
    TOO_SOON = "The server ended by itself again within {timeout_s} s of its last crash, so it stays offline."


class CrashPolicy:
    """Remembers the last crash of one server."""

    def __init__(self) -> None:
        self._last_crash_s = float("-inf")

    def judge(
        self, last_exit: LastExit, settings: CrashDetectionSection, *, enabled: bool | None, now_s: float
    ) -> Verdict:
        """Decide, and remember the crash.

        Args:
            enabled: The server's own setting; None leaves it to the node's.
            now_s: Monotonic seconds.
        """
        if not (settings.enabled if enabled is None else enabled):
            return Verdict.DISABLED
        if last_exit.code == 0 and not last_exit.oom and not settings.detect_clean_exit_as_crash:
            return Verdict.CLEAN
        since_s, self._last_crash_s = now_s - self._last_crash_s, now_s
        return Verdict.TOO_SOON if settings.timeout and since_s < settings.timeout else Verdict.RESTART
