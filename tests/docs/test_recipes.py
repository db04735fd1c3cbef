"""The page of recipes is one plugin: it passes its own tests, is typed and clean, and imports public modules only."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from muntin.scaffold import write_plugin

PAGE = Path("docs/plugins/recipes.md")
FILE = re.compile(r"^`((?:muntin_recipes|tests)/[\w/.]+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def project(pages: Mapping[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new plugin's project with the page's files in place of its own, as if it were installed."""
    folder = write_plugin("recipes", tmp_path_factory.mktemp("recipes")).folder
    for place in (folder / "muntin_recipes", folder / "tests"):
        for old in [path for path in place.rglob("*") if path.is_file() and path.name != "__init__.py"]:
            old.unlink()
    for name, content in FILE.findall(pages[PAGE]):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    information = folder / "muntin_recipes-0.1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: muntin-recipes\nVersion: 0.1.0\n")
    (information / "entry_points.txt").write_text("[muntin.plugins]\nrecipes = muntin_recipes.plugin\n")
    return folder


@pytest.mark.timeout(300)
def test_recipes_pass_their_own_tests(project: Path) -> None:
    said = run(project, "pytest", "-q", "-p", "no:cacheprovider", "tests")

    assert re.search(r"^(\d+) passed", said, re.MULTILINE), said
    assert len(list((project / "tests").glob("test_*.py"))) == 6


def test_recipes_are_clean_and_import_public_modules_only(project: Path) -> None:
    run(project, "ruff", "check", "muntin_recipes", "tests")
    run(project, "ruff", "format", "--check", "muntin_recipes", "tests")
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=200)

    assert done.returncode == 0, done.stdout


def run(project: Path, module: str, *arguments: str) -> str:
    """What a tool says that has nothing to object to."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MUNTIN_", "PYTEST_"))}
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(
        command, cwd=project, env={**kept, "PYTHONPATH": str(project)}, capture_output=True, text=True, timeout=250
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
