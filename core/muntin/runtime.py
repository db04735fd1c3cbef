"""The panel of this process, for code that runs inside a request, job or command.

One process serves one panel. Services reach its bus, limits and registry through `panel()` rather
than through a parameter in every signature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from muntin.panel import Panel

_current: Panel | None = None


def panel() -> Panel:
    """The open panel of this process."""
    if _current is None:
        raise RuntimeError("No panel is open in this process.")
    return _current


def open_panel() -> Panel | None:
    """The open panel of this process, if there is one."""
    return _current


def bind(opened: Panel | None) -> None:
    """Make a panel the one of this process; `None` when it is closed."""
    global _current  # the one process-wide value
    _current = opened
