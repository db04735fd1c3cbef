"""`python -m muntin.supervisor`: run the plan that `launch` left in the environment."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys

from muntin.supervisor.launch import PLAN_VARIABLE
from muntin.supervisor.plan import Plan
from muntin.supervisor.sockets import CannotBind
from muntin.supervisor.supervisor import MigrationFailed, Supervisor

CANNOT_BIND, MIGRATION_FAILED = 3, 4


class JsonLines(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, logger and message, under the names the other processes use."""
        line = {"time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"), "level": record.levelname.lower()}
        return json.dumps({**line, "logger": record.name, "message": record.getMessage()})


def main() -> int:
    """Run until told to stop; the exit code."""
    plan = Plan.from_json(os.environ.pop(PLAN_VARIABLE))
    handler = logging.StreamHandler()
    text = logging.Formatter("%(asctime)s %(levelname)s supervisor: %(message)s")
    handler.setFormatter(JsonLines() if plan.log_format == "json" else text)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    try:
        asyncio.run(Supervisor(plan).run())
    except CannotBind as error:
        sys.stderr.write(f"{error}\n")
        return CANNOT_BIND
    except MigrationFailed as error:
        logging.getLogger(__name__).error("%s; nothing was started", error)
        return MIGRATION_FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
