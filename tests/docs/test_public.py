"""Plugins of this repository import nothing of the core that authors are not told of."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from muntin import public
from muntin.testing import fixtures

PAGE = Path("docs/plugins/public.md")
LISTED = re.compile(r"^\| `([\w.]+)` \|", re.MULTILINE)
PLUGINS = (
    "plugins/gameservers/muntin_gameservers",
    "plugins/webhooks/muntin_webhooks",
    "tests/second_runtime/muntin_programs",
)


def test_page_and_code_list_the_same_modules(pages: Mapping[Path, str]) -> None:
    panel, agent = pages[PAGE].split("## Agent")

    assert set(LISTED.findall(panel)) - {public.TESTING} == public.PANEL
    assert set(LISTED.findall(agent)) == public.AGENT


@pytest.mark.parametrize("plugin", PLUGINS)
def test_plugin_imports_public_modules_only(root: Path, plugin: str) -> None:
    imported = {module for path in (root / plugin).rglob("*.py") for module in _imported(path)}

    assert [one for one in sorted(imported) if not public.is_public(one)] == []


def test_import_linter_proves_it_for_every_plugin_of_this_repository(root: Path) -> None:
    settings = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]
    [contract] = [one for one in settings["contracts"] if one["type"] == "public"]

    assert settings["contract_types"] == ["public: muntin.testing.imports.PublicModules"]
    assert contract["packages"] == sorted(path.parent.name for path in root.glob("plugins/*/muntin_*/plugin.py"))
    assert set(contract) == {"id", "name", "type", "packages"}


@pytest.mark.parametrize("plugin", PLUGINS)
def test_plugin_imports_no_private_names(root: Path, plugin: str) -> None:
    private = [
        f"{path.relative_to(root)}: {alias.name}"
        for path in (root / plugin).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("muntin", "muntin_node")
        for alias in node.names
        if alias.name.startswith("_") and alias.name != "_"
    ]

    assert private == []


def test_every_fixture_is_described(pages: Mapping[Path, str]) -> None:
    text = pages[Path("docs/plugins/testing.md")]

    assert [name for name in fixtures.__all__ if f"`{name}`" not in text] == []


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("muntin", "muntin_node"):
            yield node.module or ""
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name.split(".")[0] in ("muntin", "muntin_node"))
