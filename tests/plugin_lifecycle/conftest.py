"""A panel that may load two plugins, which are installed by the tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from muntin.panel import Panel
from muntin.plugins.generations import Generations


@pytest.fixture(scope="session")
def panel_plugins() -> Sequence[str]:
    """None of those that happen to be installed beside the tests."""
    return ("notes", "tags")


@pytest.fixture
def generations(panel: Panel) -> Iterator[Generations]:
    """Those of the panel; what a test activated is off the path again afterwards."""
    before = list(sys.path)
    yield Generations(panel.configuration.data_dir)
    sys.path[:] = before


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where wheels are written."""
    return tmp_path_factory.mktemp("shelf")
