"""The core is tested without any plugin."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def panel_plugins() -> tuple[str, ...]:
    """No plugin."""
    return ()
