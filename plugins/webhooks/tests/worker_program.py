"""A worker with webhooks, for tests that kill it: `python worker_program.py DATABASE_URL DATA_DIR KEY`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from muntin.bus.local import LocalBus
from muntin.configuration import Configuration
from muntin.panel import Panel


async def main() -> None:
    database_url, folder, key = sys.argv[1:4]
    configuration = Configuration(
        data_dir=Path(folder), database_url=database_url, secret_key=key, plugins=("webhooks",)
    )
    panel = Panel(configuration, process="worker", bus=LocalBus())
    await panel.open()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
