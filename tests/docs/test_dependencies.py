"""Each direct dependency has its reason in writing, and no reason outlives its dependency."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

PAGE = Path("docs/dependencies.md")


def test_every_python_dependency_has_its_reason(pages: Mapping[Path, str], root: Path) -> None:
    described = _described(pages, "Python")

    assert described == set(_required(root))


def test_every_browser_dependency_has_its_reason(pages: Mapping[Path, str], root: Path) -> None:
    manifest = json.loads((root / "core/muntin/web/package.json").read_text())

    described = _described(pages, "Browser")

    assert described == {*manifest["dependencies"], *manifest["devDependencies"]}


def test_everything_a_distribution_asks_for_is_locked(root: Path) -> None:
    listed = {_normal(line) for line in _lines(root / "requirements.in")}

    assert set(_required(root)) - listed == set()


def _described(pages: Mapping[Path, str], heading: str) -> set[str]:
    text = pages[PAGE].split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return set(re.findall(r"^\| `([^`]+)` \|", text, flags=re.MULTILINE))


def _required(root: Path) -> Iterator[str]:
    """Names of all distributions that ours and their development need, ours left out."""
    lines = _lines(root / "requirements.in")
    for path in (root / "pyproject.toml", root / "nodes/pyproject.toml", *root.glob("plugins/*/pyproject.toml")):
        data = tomllib.loads(path.read_text())
        lines += data["project"].get("dependencies", [])
        for group in (data["project"].get("optional-dependencies", {}), data.get("dependency-groups", {})):
            lines += [line for lines_ in group.values() for line in lines_]
    return (name for name in map(_normal, lines) if not name.startswith("muntin"))


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


def _normal(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\s<>=!~;\[]", requirement.strip(), maxsplit=1)[0]).lower()
