"""The conformance suite finds the fault of each broken plugin, and nothing in a sound one."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from muntin.conformance.running import Report, check

from .workshop import fault_of, folders, put_together

BROKEN = folders()
AT_ONCE = 2
PAPERS = {"docs-readme", "docs-changelog", "manifest-metadata", "manifest-static", "tests-missing"}
"""What a plugin without a `FAULT` that names rules may lack besides."""


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What stands for `/tmp` while plugins are checked."""
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory, temporary: Path) -> Mapping[str, Report]:
    """Folder name -> what was found; the checks run in processes of their own, some at once."""
    root = tmp_path_factory.mktemp("broken")

    def found(folder: Path) -> tuple[str, Report]:
        place = root / folder.name
        place.mkdir()
        [report] = check(str(put_together(folder, place)))
        return folder.name, report

    with pytest.MonkeyPatch.context() as patched, ThreadPoolExecutor(AT_ONCE) as pool:
        patched.setattr(tempfile, "tempdir", str(temporary))
        return dict(pool.map(found, BROKEN))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("folder", BROKEN, ids=lambda one: one.name)
def test_fault_is_found_and_nothing_else(folder: Path, reports: Mapping[str, Report]) -> None:
    fault, found = fault_of(folder), reports[folder.name].findings

    serious = {finding.rule for finding in found if finding.severity in {"error", "warning"}}

    if fault.rules:
        assert serious == fault.rules, [(one.rule, one.where, one.what) for one in found]
    assert serious - (set() if fault.rules else PAPERS), fault.words
    assert all(one.where and one.what and one.why and one.remedy for one in found)


def test_nothing_is_left_of_checks_whose_process_was_killed(reports: Mapping[str, Report], temporary: Path) -> None:
    assert any("dies" in one.rule or "hangs" in one.rule for report in reports.values() for one in report.findings)
    assert list(temporary.iterdir()) == []


def test_there_are_enough_of_them() -> None:
    assert len(BROKEN) >= 20
    assert len({rule for folder in BROKEN for rule in fault_of(folder).rules}) >= 20
