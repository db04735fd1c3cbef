"""The environment of processes that a change starts: they work on this panel, whatever theirs would have been."""

from __future__ import annotations

import os

from muntin.configuration import Configuration

REPORT, BY = "MUNTIN_CHANGE_REPORT", "MUNTIN_CHANGE_BY"
"""For a command that a page started: under which id it reports, and whose account ordered it."""


def environment_of(configuration: Configuration) -> dict[str, str]:
    """This process's own, with the configuration's data dir, store and choice of plugins."""
    environment = {
        **os.environ,
        "MUNTIN_DATA_DIR": str(configuration.data_dir.absolute()),
        "MUNTIN_DATABASE_URL": configuration.store_url,
    }
    if configuration.plugins is not None:
        environment["MUNTIN_PLUGINS"] = ",".join(configuration.plugins) or "none"
    return environment
