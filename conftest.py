"""`make fuzz` runs the tests marked `fuzz` for longer, and those marked `long` at all.

`MUNTIN_FUZZ_S` says for how many seconds each of the former.
"""

from __future__ import annotations

import gc
import os
from collections import Counter

import pytest
from hypothesis import settings

IS_FUZZING = "MUNTIN_FUZZ_S" in os.environ

settings.register_profile("fuzz", max_examples=20_000, deadline=None)
settings.register_profile("quick", max_examples=60, deadline=None)
settings.load_profile("fuzz" if IS_FUZZING else "quick")


LONGEST_FIRST = (
    "tests/conformance/test_broken_plugins.py",
    "tests/plugin_lifecycle/test_running_panel.py",
    "plugins/gameservers/tests/node/test_restarts.py",
    "tests/web/test_pages.py",
    "plugins/gameservers/tests/pages/test_browser.py",
    "tests/plugin_lifecycle/test_changes.py",
    "tests/docs/test_first_plugin.py",
    "tests/jobs/test_workers.py",
    "tests/faults/test_processes.py",
    "tests/pages/test_browser.py",
    "tests/second_runtime/test_programs.py",
    "tests/scaffold/test_new_plugin.py",
    "tests/conformance/test_checking.py",
    "plugins/gameservers/tests/node/test_installs.py",
    "plugins/webhooks/tests/test_sending.py",
    "plugins/webhooks/tests/test_third_party.py",
    "tests/end_to_end/test_real_game_server.py",
    "tests/end_to_end/test_installs.py",
)
"""Files that take half a minute: begun last, one of them would keep a single core busy while the others are idle."""


def pytest_configure(config: pytest.Config) -> None:
    """With several workers, ours is the order: pytest-xdist would begin with the files of the most tests."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes minutes; with several workers, begin with the longest files."""
    left_out = [] if IS_FUZZING else [item for item in items if item.get_closest_marker("long")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    if hasattr(config, "workerinput"):
        rank = {config.rootpath / path: number for number, path in enumerate(LONGEST_FIRST)}
        counts = Counter(item.path for item in items)
        items.sort(key=lambda item: (rank.get(item.path, len(rank)), -counts[item.path]))


def pytest_collection_finish() -> None:
    """What was imported by now stays: the collector need not look at it again and again (a fifth of the time)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
