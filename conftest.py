"""`make fuzz` runs the tests marked `fuzz` for longer, and those marked `long` at all.

`MUNTIN_FUZZ_S` says for how many seconds each of the former.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

IS_FUZZING = "MUNTIN_FUZZ_S" in os.environ

settings.register_profile("fuzz", max_examples=20_000, deadline=None)
settings.register_profile("quick", max_examples=60, deadline=None)
settings.load_profile("fuzz" if IS_FUZZING else "quick")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes minutes."""
    if IS_FUZZING:
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
