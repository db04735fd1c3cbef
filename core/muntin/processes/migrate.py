"""Brings the store up to date, once, before any process serves: `python -m muntin.processes.migrate`."""

from __future__ import annotations

import asyncio
import sys

from muntin import logs, runtime
from muntin.accounts.first import FirstAdministrator
from muntin.configuration import Configuration
from muntin.panel import Panel
from muntin.setup import prepare_store
from muntin.translation import _


def main() -> int:
    """Migrate and prepare; the exit code."""
    configuration = Configuration()
    logs.configure(configuration.log_format, "migrate")
    first = asyncio.run(_migrate(configuration))
    if first and first.password:
        sys.stdout.write(
            _("Sign in as {email} with the password {password}", email=first.email, password=first.password)
        )
        sys.stdout.write(_(" (shown only this once).") + "\n")
        sys.stdout.flush()
    return 0


async def _migrate(configuration: Configuration) -> FirstAdministrator | None:
    panel = Panel(configuration, process="command")
    try:
        return await prepare_store(panel)
    finally:
        runtime.bind(None)


if __name__ == "__main__":
    sys.exit(main())
