"""Brings the store up to date, once, before any process serves: `python -m muntin.processes migrate`."""

from __future__ import annotations

import asyncio
import logging
import sys

from muntin import logs, runtime
from muntin.accounts.first import FirstAdministrator
from muntin.configuration import Configuration
from muntin.database.migrations import MigrationFailed
from muntin.panel import Panel
from muntin.plugins import CORE
from muntin.plugins.generations import activate
from muntin.plugins.installing.startup import build_declared
from muntin.plugins.probing import Verdicts, probe_unknown
from muntin.setup import prepare_store
from muntin.translation import _

log = logging.getLogger("muntin.plugins")


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
    await build_declared(configuration.data_dir)
    activate(configuration.data_dir)
    await probe_unknown(configuration)
    while True:
        try:
            return await prepare_store(Panel(configuration, process="command"))
        except MigrationFailed as error:
            _leave_out(configuration, error)
        finally:
            runtime.bind(None)


def _leave_out(configuration: Configuration, error: MigrationFailed) -> None:
    """A plugin whose tables cannot be brought up to date stays away; everything else starts.

    Raises:
        MigrationFailed: They are the panel's own.
    """
    plugin, _dot, _name = error.migration.partition(".")
    if plugin == CORE or not Verdicts(configuration.data_dir).bar(plugin, str(error), step="migrations"):
        raise error
    log.error("Plugin %s is not loaded: %s", plugin, error)
