"""What `muntin plugin new` writes installs, passes its own tests and the check, and is clean by its own settings."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from muntin.plugins.manifest import RESERVED
from muntin.scaffold import Refused, write_plugin

from ..wheels.environment import ROOT, Environment, make_environment

CACHE = ROOT / ".import_linter_cache"
LONGEST = "a_name_that_is_as_long_as_can_be"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """muntin from built wheels."""
    return make_environment(tmp_path_factory.mktemp("environment"))


@pytest.mark.timeout(600)
def test_new_plugin_installs_and_passes_its_own_tests_and_the_check(environment: Environment, tmp_path: Path) -> None:
    began_s = time.perf_counter()
    environment.run("muntin", "plugin", "new", "guest_book", cwd=tmp_path)
    project = tmp_path / "muntin-guest-book"
    environment.run("pip", "install", "--no-deps", "--no-build-isolation", "--editable", ".", cwd=project)
    tested = environment.run("pytest", "-q", "-p", "no:cacheprovider", cwd=project)
    checked = environment.run("muntin", "plugin", "check", ".", "--json", "--strict", cwd=project)
    took_s = time.perf_counter() - began_s
    sys.stdout.write(f"from nothing to a plugin that passes everything: {took_s:.1f} s\n")

    assert " passed" in tested
    assert "failed" not in tested
    [report] = json.loads(checked)
    assert (report["passed"], report["findings"]) == (True, [])
    assert report["stages"][-1] == "attacks"


@pytest.mark.parametrize("name", ["ab", LONGEST])
def test_new_plugin_is_clean_by_its_own_settings(tmp_path: Path, name: str) -> None:
    project = write_plugin(name, tmp_path).folder

    assert _said("ruff", "check", ".", cwd=project) == "All checks passed!\n"
    assert "would be reformatted" not in _said("ruff", "format", "--check", ".", cwd=project)


@pytest.mark.timeout(900)  # mypy reads everything that muntin depends on, unless it did so before
def test_new_plugin_is_typed_strictly(tmp_path: Path) -> None:
    project = write_plugin("notes", tmp_path).folder

    assert "Success: no issues found" in _said("mypy", "--cache-dir", str(ROOT / ".mypy_cache"), cwd=project)


def test_import_linter_proves_that_a_new_plugin_imports_public_modules_only(tmp_path: Path) -> None:
    project = write_plugin("notes", tmp_path).folder

    assert "The plugin imports public modules only KEPT" in _linted(project, expect=0)


@pytest.mark.parametrize(
    ("line", "imported"),
    [
        ("from muntin.accounts import passwords", "muntin.accounts.passwords"),
        ("import muntin.plugins.registry", "muntin.plugins.registry"),
        ("from muntin_node.serving import serve", "muntin_node.serving"),
    ],
)
def test_import_linter_names_what_is_not_public(tmp_path: Path, line: str, imported: str) -> None:
    project = write_plugin("notes", tmp_path).folder
    service = project / "muntin_notes" / "service.py"
    service.write_text(f"{service.read_text()}\n\ndef late() -> None:\n    {line}\n")

    said = _linted(project, expect=1)

    assert f"muntin_notes.service -> {imported} (l.{service.read_text().count(chr(10))})" in said


def _linted(project: Path, *, expect: int) -> str:
    """What import-linter says of the plugin by the plugin's own settings."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--cache-dir", str(CACHE)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=300)
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "name",
    [
        *sorted(RESERVED),
        "a",
        "Notes",
        "1notes",
        "no-tes",
        "no tes",
        "../notes",
        "class",
        "match",
        "",
        "n" * 33,
        "notes_",
    ],
)
def test_name_that_cannot_be_used_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused) as refused:
        write_plugin(name, tmp_path)

    assert str(refused.value).endswith(".")
    assert list(tmp_path.iterdir()) == []


def test_name_of_an_installed_plugin_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="A plugin gameservers is installed already"):
        write_plugin("gameservers", tmp_path)


def test_folder_that_exists_is_left_alone(tmp_path: Path) -> None:
    kept = tmp_path / "muntin-notes" / "mine.txt"
    kept.parent.mkdir()
    kept.write_text("mine")

    with pytest.raises(Refused, match="exists already"):
        write_plugin("notes", tmp_path)

    assert [one.name for one in kept.parent.iterdir()] == ["mine.txt"]


def test_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="There is no folder"):
        write_plugin("notes", tmp_path / "nowhere")


def _said(module: str, *arguments: str, cwd: Path) -> str:
    """What a tool of the tests' own environment says."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=850)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
