"""What a project says in its pytest settings, and which plugins its tests are about."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import Literal

import pytest

from muntin.plugins import ENTRY_POINTS

__all__ = ["add_options", "panel_scope", "plugins_under_test", "stores"]

Scope = Literal["function", "module"]


def add_options(parser: pytest.Parser) -> None:
    """The keys of `[tool.pytest.ini_options]`."""
    parser.addini(
        "muntin_plugins", "plugins that the panel of the tests loads; default: those of this project", type="args"
    )
    parser.addini("muntin_stores", "databases to test on: sqlite, postgresql", type="args", default=["sqlite"])
    parser.addini("muntin_panel_scope", "one panel for each `function` or `module`", default="function")


def panel_scope(fixture_name: str, config: pytest.Config) -> Scope:
    """How long one panel lives."""
    said = config.getini("muntin_panel_scope")
    if said not in ("function", "module"):
        raise pytest.UsageError(f"muntin_panel_scope is function or module, not {said!r}")
    return "module" if said == "module" else "function"


def stores(config: pytest.Config) -> Sequence[str]:
    """The databases that tests run on, each test once on each."""
    said = [str(one) for one in config.getini("muntin_stores")]
    if not said or set(said) - {"sqlite", "postgresql"}:
        raise pytest.UsageError(f"muntin_stores are sqlite and postgresql, not {said}")
    return said


def plugins_under_test(config: pytest.Config) -> Sequence[str] | None:
    """Names of the plugins that the panel loads: as set, else those that the project offers, else all (`None`)."""
    if said := [str(one) for one in config.getini("muntin_plugins")]:
        return said
    pyproject = config.rootpath / "pyproject.toml"
    told = tomllib.loads(pyproject.read_text()) if pyproject.is_file() else {}
    offered = told.get("project", {}).get("entry-points", {}).get(ENTRY_POINTS, {})
    return sorted(offered) or None
