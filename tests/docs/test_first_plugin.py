"""The plugin of the tutorial works as it is written there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

PAGE = Path("docs/plugins/first-plugin.md")
FILE = re.compile(r"^`(muntin_notes/\w+\.py)`.*?^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
METADATA = "Metadata-Version: 2.1\nName: muntin-notes\nVersion: 0.1.0\nRequires-Dist: muntin>=0.1,<0.2\n"
SETTINGS = """[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = session
asyncio_default_test_loop_scope = session
"""


@pytest.fixture(scope="module")
def workshop(pages: Mapping[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tutorial's files, as if they were installed, and its first migration."""
    text, folder = pages[PAGE], tmp_path_factory.mktemp("notes")
    (folder / "muntin_notes/migrations").mkdir(parents=True)
    for package in ("muntin_notes", "muntin_notes/migrations"):
        (folder / package / "__init__.py").write_text('"""Notes."""\n')
    for name, code in FILE.findall(text):
        (folder / name).write_text(code)
    installed = folder / "muntin_notes-0.1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(METADATA)
    (installed / "entry_points.txt").write_text("[muntin.plugins]\nnotes = muntin_notes.plugin\n")
    (folder / "pytest.ini").write_text(SETTINGS)
    (folder / "test_notes.py").write_text(CODE.findall(_section(text, "7. A test"))[0])
    (folder / "migrate.py").write_text(CODE.findall(_section(text, "6. Install, migrate, run"))[0])
    _run(folder, "migrate.py")
    return folder


def test_its_migration_is_written(workshop: Path) -> None:
    assert [path.name for path in (workshop / "muntin_notes/migrations").glob("0*.py")] == ["0001_initial.py"]


def test_its_routes_are_listed_with_their_permission(workshop: Path) -> None:
    listed = json.loads(_run(workshop, "-m", "muntin.cli", "routes", "--json"))

    notes = {(one["method"], one["path"], one["permission"]) for one in listed if one["plugin"] == "notes"}

    assert notes == {
        ("GET", "/api/v1/notes", "notes.write"),
        ("POST", "/api/v1/notes", "notes.write"),
        ("DELETE", "/api/v1/notes/<uuid:note_id>", "notes.write"),
    }


def test_its_test_passes(workshop: Path) -> None:
    said = _run(workshop, "-m", "pytest", "-q", "-k", "sqlite", "-p", "no:cacheprovider", "test_notes.py")

    assert "1 passed" in said


def _section(text: str, heading: str) -> str:
    return text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]


def _run(folder: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MUNTIN_")}
    environment |= {"PYTHONPATH": str(folder), "MUNTIN_DATA_DIR": str(folder / "data"), "MUNTIN_PLUGINS": "notes"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
