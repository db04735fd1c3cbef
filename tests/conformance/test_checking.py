"""How the suite is asked and how it answers, what it says of our own plugins, and that its rules are described."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from muntin.conformance.accepting import accepted
from muntin.conformance.checks import RULES
from muntin.conformance.finding import Finding, Severity
from muntin.conformance.running import RULES as PROCESS_RULES
from muntin.conformance.running import check
from muntin.conformance.subject import Subject
from muntin.scaffold import write_plugin

from .workshop import fault_of, folders

ROOT = Path(__file__).parents[2]
DESCRIBED = re.compile(r"^\| `([a-z-]+)` \| (error|warning|note) \| (.+) \| (.+) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plugin without a fault."""
    return write_plugin("sound", tmp_path_factory.mktemp("sound")).folder


def test_every_rule_is_described_with_its_severity_reason_and_remedy() -> None:
    page = (ROOT / "docs/plugins/conformance.md").read_text().replace("\\|", "|")

    described = {tuple(found) for found in DESCRIBED.findall(page)}

    assert described == {(one.id, one.severity, one.why, one.remedy) for one in (*RULES, *PROCESS_RULES)}


def test_every_rule_that_is_an_error_has_a_broken_plugin() -> None:
    shown = {rule for folder in folders() for rule in fault_of(folder).rules}

    missing = {one.id for one in (*RULES, *PROCESS_RULES) if one.severity == "error"} - shown

    assert missing <= RARE


RARE = {
    "migration-unsafe",  # shown by a stranger's plugin
    "attack-setting",
    "switch-fails",
    "mail-fails",
    "event-version",
    "job-limits",
    "node-half-missing",
}
"""Checked by the panel itself, or by the same code as another rule that is shown."""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("folder", ["plugins/gameservers", "plugins/webhooks", "tests/second_runtime"])
def test_plugin_of_this_repository_passes_without_a_warning(folder: str) -> None:
    [report] = check(str(ROOT / folder))

    found = [(one.rule, one.where, one.what) for one in report.findings if one.severity != "note"]
    assert found == []
    assert (report.complete, report.stages[-1]) == (True, "attacks")


def test_warning_is_accepted_with_a_reason_and_an_error_never(tmp_path: Path) -> None:
    reasons = {"docs-readme": "It is in a book.", "tests-missing": " ", "manifest-name": "So.", "docs-changelog": "So."}
    lines = "".join(f"{rule} = {json.dumps(reason)}\n" for rule, reason in reasons.items())
    (tmp_path / "pyproject.toml").write_text(f"[tool.muntin.check.accept]\n{lines}")
    subject = Subject(name="a", module="a", distribution="a", version="1.0", project=tmp_path)
    kinds: dict[str, Severity] = {"docs-readme": "warning", "tests-missing": "warning", "manifest-name": "error"}
    findings = [Finding(rule=rule, severity=kinds[rule], where="", what="So.", why="", remedy="") for rule in kinds]

    got = [(one.rule, one.severity, one.what) for one in accepted(subject, findings, complete=True)]

    assert got == [
        ("docs-readme", "note", "So. Accepted: It is in a book."),
        ("tests-missing", "warning", "So."),
        ("manifest-name", "error", "So."),
        ("accept-stale", "warning", "docs-changelog is accepted for nothing."),
        ("accept-stale", "warning", "manifest-name is accepted for nothing."),
        ("accept-stale", "warning", "tests-missing is accepted for nothing."),
    ]


@pytest.mark.timeout(300)
def test_wheel_is_checked_as_it_will_be_installed(sound: Path, tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--quiet", "wheel", "--no-deps", "--no-build-isolation", "-w", str(tmp_path)]
    subprocess.run([*pip, str(sound)], check=True, timeout=200)

    [report] = check(str(next(tmp_path.glob("*.whl"))))

    assert [(one.rule, one.what) for one in report.findings] == []
    assert report.stages[-1] == "attacks"


@pytest.mark.timeout(300)
def test_command_reports_as_json_and_ends_with_1_for_an_error(sound: Path) -> None:
    broken = sound / "muntin_sound/plugin.py"
    right = broken.read_text()
    broken.write_text(right.replace("def muntin_nav_items", "def muntin_nav_item"))

    done = _command(str(sound), "--json")
    broken.write_text(right)

    [told] = json.loads(done.stdout)
    assert done.returncode == 1
    assert (told["plugin"], told["version"], told["passed"]) == ("sound", "0.1.0", False)
    assert [(one["rule"], one["severity"]) for one in told["findings"]] == [("hook-unknown", "error")]
    assert "Did you mean muntin_nav_items?" in told["findings"][0]["what"]


@pytest.mark.parametrize("target", ["nobody_has_this", "tests/conformance", "/nowhere/at/all.whl"])
def test_what_is_no_plugin_is_said_so(target: str) -> None:
    done = _command(target)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip().endswith(".")


def test_pyproject_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project\n")

    done = _command(str(tmp_path))

    assert done.returncode == 1
    assert "cannot be read" in done.stderr


def _command(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "muntin.cli", "plugin", "check", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=250)
