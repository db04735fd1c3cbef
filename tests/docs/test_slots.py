"""The list of slots is what the code says."""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from pathlib import Path

PROGRAM = Path(__file__).with_name("slots_page.py")


def test_list_of_slots_is_up_to_date(pages: Mapping[Path, str]) -> None:
    written = pages[Path("docs/plugins/slots.md")]

    expected = runpy.run_path(str(PROGRAM))["page"]()

    assert written == expected, "Write it anew: python tests/docs/slots_page.py"
