"""Names of code in the pages are names in the code."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Mapping
from pathlib import Path

OURS = ("muntin", "muntin_node", "muntin_gameservers")
NAME = re.compile(r"(?:muntin|muntin_node|muntin_gameservers)(?:\.[A-Za-z_]\w*)+")
NOT_CODE = {"muntin.node", "muntin.sqlite3"}
"""The entry point group of node halves, and the database's file."""


def test_every_dotted_name_in_backticks_exists(pages: Mapping[Path, str]) -> None:
    missing = [
        f"{path}: {name}"
        for path, text in pages.items()
        for name in re.findall(r"`([^`\n]+)`", text)
        if NAME.fullmatch(name) and name not in NOT_CODE and not _exists(name)
    ]

    assert missing == []


def test_every_example_imports_what_exists(examples: list[tuple[Path, str]]) -> None:
    missing = [
        f"{path}: {module}.{name}"
        for path, code in examples
        for module, name in _imported(code)
        if module.split(".")[0] in OURS and not _exists(f"{module}.{name}")
    ]

    assert missing == []
    assert examples != []


def _imported(code: str) -> list[tuple[str, str]]:
    nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ImportFrom)]
    return [(node.module or "", alias.name) for node in nodes for alias in node.names]


def _exists(name: str) -> bool:
    """Whether the longest importable part of a name leads, attribute by attribute, to its end."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        return _reaches(found, parts[length:])
    return False


def _reaches(found: object, attributes: list[str]) -> bool:
    for attribute in attributes:
        if not hasattr(found, attribute) and attribute not in getattr(found, "__annotations__", {}):
            return False
        found = getattr(found, attribute, None)
    return True
