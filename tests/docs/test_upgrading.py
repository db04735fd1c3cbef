"""The upgrade guide speaks of this version, and its pieces of code do what they are for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from packaging.version import Version

from muntin import __version__
from muntin.settings.stored import build

from .conftest import FENCE

PAGE = Path("docs/plugins/upgrading.md")


def test_guide_has_a_section_on_this_version(pages: Mapping[Path, str]) -> None:
    version = Version(__version__)

    assert f"\n### muntin {version.major}.{version.minor}\n" in pages[PAGE]


def test_setting_of_the_old_name_stays_set(pages: Mapping[Path, str]) -> None:
    settings, _table = _pieces(pages)

    model = settings["NotesSettings"]

    assert build("notes", model, {"max_letters": 7}).longest == 7
    assert build("notes", model, {"longest": 8}).longest == 8


def test_column_of_the_old_name_is_read_until_the_new_one_is_written(pages: Mapping[Path, str]) -> None:
    _settings, table = _pieces(pages)

    rows = [table["NoteRow"](text="old"), table["NoteRow"](text="old", body="new")]

    assert [row.words for row in rows] == ["old", "new"]


def _pieces(pages: Mapping[Path, str]) -> list[dict[str, Any]]:
    """What each piece of Python on the page defines."""
    found: list[dict[str, Any]] = []
    for language, code in FENCE.findall(pages[PAGE]):
        if language == "python":
            names: dict[str, Any] = {"__name__": f"upgrading_{len(found)}"}
            exec(code, names)
            found.append(names)
    return found
