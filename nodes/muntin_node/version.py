"""The version of the agent, as its distribution says."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def agent_version() -> str:
    """E.g. `0.1.0`; `develop` when the package was not installed."""
    try:
        return version("muntin-node")
    except PackageNotFoundError:
        return "develop"
