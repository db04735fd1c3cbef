"""The list of settings is what the code says."""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from pathlib import Path

PROGRAM = Path(__file__).with_name("settings_page.py")


def test_list_of_settings_is_up_to_date(pages: Mapping[Path, str]) -> None:
    written = pages[Path("docs/operators/settings.md")]

    expected = runpy.run_path(str(PROGRAM))["page"]()

    assert written == expected, "Write it anew: python tests/docs/settings_page.py"
