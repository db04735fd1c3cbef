"""The supervisor: keeps the processes of one machine running and replaces them without losing a request.

Standard library only, in a process of its own (`python -m muntin.supervisor`), so that it stays small and nothing a
plugin brings can harm it. `launch(plan)` turns the calling process into one.
"""

from __future__ import annotations

from muntin.supervisor.launch import launch
from muntin.supervisor.plan import ChildPlan, Plan

__all__ = ["ChildPlan", "Plan", "launch"]
