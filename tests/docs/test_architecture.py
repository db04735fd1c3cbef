"""The map shows the three journeys, and a reader can follow them by names alone."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

PAGE = Path("docs/architecture.md")
NAME = re.compile(r"\b(?:muntin|muntin_node|muntin_gameservers)(?:\.[A-Za-z_]\w*)+")
JOURNEYS = ("A request", "An event", "Work on a node")
FOLDERS = ("core", "core/muntin", "nodes", "plugins", "tests")


@pytest.mark.parametrize("journey", JOURNEYS)
def test_journey_is_drawn_and_its_steps_are_named(pages: Mapping[Path, str], journey: str) -> None:
    text = pages[PAGE].split(f"## Journey: {journey}\n", 1)[1].split("\n## ", 1)[0]

    assert "```text" in text
    assert len(set(NAME.findall(text))) >= 10


def test_every_step_exists(pages: Mapping[Path, str]) -> None:
    text = "\n".join(re.findall(r"```text\n(.*?)```", pages[PAGE], flags=re.DOTALL))
    names = set(NAME.findall(text))

    missing = sorted(name for name in names if not _exists(name))

    assert missing == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_folder_with_code_is_on_the_map(pages: Mapping[Path, str], root: Path, folder: str) -> None:
    below = [path for path in (root / folder).iterdir() if path.is_dir() and path.name[0] not in "._"]
    drawn = pages[PAGE]

    missing = [path.name for path in below if any(path.rglob("*.py")) and f"{path.name}/" not in drawn]

    assert missing == []


def _exists(name: str) -> bool:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[length:]:
            if not hasattr(found, attribute):
                return False
            found = getattr(found, attribute)
        return True
    return False
