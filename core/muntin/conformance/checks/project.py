"""What lies beside the package: documents and tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from muntin.conformance.finding import Finding, Rule
from muntin.conformance.subject import Subject

README_RULE = Rule(
    "docs-readme",
    "warning",
    "An operator reads it before installing: what it adds, what it asks for, what it leaves behind.",
    "Write a README.md of a few sentences, and name it in pyproject.toml (`readme`).",
)
CHANGELOG_RULE = Rule(
    "docs-changelog",
    "warning",
    "An operator reads it before upgrading.",
    "Keep a CHANGELOG.md with a heading for each version.",
)
TESTS_RULE = Rule(
    "tests-missing",
    "warning",
    "Without tests nobody knows whether it still works with the next version of the panel.",
    "Add a folder `tests` beside the package; `muntin.testing` brings the fixtures.",
)
MIN_README = 80


def check(subject: Subject) -> Iterator[Finding]:
    """README, CHANGELOG and tests; nothing where only an installed wheel is known."""
    if subject.project is None:
        return
    readme = _first(subject.project, "README*")
    if readme is None or len(readme.read_text(errors="replace").strip()) < MIN_README:
        yield README_RULE.at("README.md", "There is none." if readme is None else "It says next to nothing.")
    changelog = _first(subject.project, "CHANGELOG*", "CHANGES*", "HISTORY*")
    if changelog is None:
        if not (subject.project.parent.parent / "CHANGELOG.md").is_file():  # of a repository with several plugins
            yield CHANGELOG_RULE.at("CHANGELOG.md", "There is none.")
    elif subject.version not in changelog.read_text(errors="replace"):
        yield CHANGELOG_RULE.at(changelog.name, f"It says nothing of version {subject.version}.")
    if not any(_tests(subject.project)):
        yield TESTS_RULE.at("tests", "There is no test.")


def _first(folder: Path, *patterns: str) -> Path | None:
    return next((path for pattern in patterns for path in sorted(folder.glob(pattern))), None)


def _tests(project: Path) -> Iterator[Path]:
    for path in (*project.glob("test_*.py"), *project.glob("tests/**/test_*.py")):
        if re.search(r"^\s*(async )?def test_|^from muntin\.testing", path.read_text(errors="replace"), re.MULTILINE):
            yield path
