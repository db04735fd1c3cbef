"""What the tests of the documentation look at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOREIGN = {"node_modules", ".venv", ".venv-lock", "data", ".git", ".pytest_cache"}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def pages() -> Mapping[Path, str]:
    """Every Markdown page of the project, by its path below the project's folder."""
    found = (path for path in sorted(ROOT.rglob("*.md")) if not FOREIGN.intersection(path.relative_to(ROOT).parts))
    return {path.relative_to(ROOT): path.read_text() for path in found}


@pytest.fixture(scope="session")
def sections(pages: Mapping[Path, str]) -> Mapping[tuple[Path, str], str]:
    """The text below each heading (whatever its level), code left out, by page and heading without backticks."""
    found: dict[tuple[Path, str], str] = {}
    for path, text in pages.items():
        parts = re.split(r"^#{1,6} (.+)$", FENCE.sub("", text), flags=re.MULTILINE)
        for heading, body in zip(parts[1::2], parts[2::2], strict=True):
            found[path, heading.replace("`", "").strip()] = body
    return found


@pytest.fixture(scope="session")
def examples(pages: Mapping[Path, str]) -> list[tuple[Path, str]]:
    """Every piece of Python in the pages."""
    return [
        (path, code) for path, text in pages.items() for language, code in FENCE.findall(text) if language == "python"
    ]
