"""From a process that has imported everything to a supervisor that has imported next to nothing."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from muntin.supervisor.plan import Plan

PLAN_VARIABLE = "MUNTIN_SUPERVISOR_PLAN"


def launch(plan: Plan) -> NoReturn:
    """Become the supervisor: same process id, fresh interpreter. Flush what you wrote before."""
    sys.stdout.flush()
    sys.stderr.flush()
    environment = {**os.environ, PLAN_VARIABLE: plan.to_json()}
    command = [sys.executable, "-m", "muntin.supervisor"]
    os.execve(sys.executable, command, environment)  # noqa: S606 - our own interpreter with fixed arguments
