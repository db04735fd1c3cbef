"""Dotted paths into a tree of mappings and lists: `a.b[0].c`, with at most one `*` for every child."""

from __future__ import annotations

import re
from collections.abc import MutableMapping, MutableSequence
from typing import Any

from muntin_gameservers.contract import Replacement
from muntin_gameservers.node.rewriting.replacing import new_value, typed

STEP = re.compile(r"([^.\[\]]+)|\[(\d{1,6})\]")
Step = str | int


def replace_in_tree(tree: Any, replacement: Replacement) -> None:
    """Set the value at a path, making mappings on the way; lists are never made or extended."""
    _replace(tree, _steps(replacement.match), replacement)


def _steps(path: str) -> list[Step]:
    return [found[1] if found[1] is not None else int(found[2]) for found in STEP.finditer(path)]


def _replace(node: Any, steps: list[Step], replacement: Replacement) -> None:
    if not steps:
        return
    step, rest = steps[0], steps[1:]
    if step == "*":
        for key in _keys(node):
            _replace(node, [key, *rest], replacement)
    elif not rest:
        _set(node, step, replacement)
    else:
        child = _child(node, step, make=replacement.if_value is None and "*" not in rest)
        if child is not None:
            _replace(child, rest, replacement)


def _keys(node: Any) -> list[Step]:
    if isinstance(node, MutableMapping):
        return list(node)
    return list(range(len(node))) if isinstance(node, MutableSequence) else []


def _child(node: Any, step: Step, *, make: bool) -> Any:
    if isinstance(node, MutableSequence) and isinstance(step, int):
        return node[step] if step < len(node) else None
    if not isinstance(node, MutableMapping):
        return None
    child = node.get(step)
    if make and not isinstance(child, MutableMapping | MutableSequence):
        node[step] = {}
        child = node[step]
    return child


def _set(node: Any, step: Step, replacement: Replacement) -> None:
    if isinstance(node, MutableMapping):
        existing = node.get(step)
    elif isinstance(node, MutableSequence) and isinstance(step, int) and step < len(node):
        existing = node[step]
    else:
        return
    if isinstance(existing, MutableMapping | MutableSequence) and replacement.if_value is not None:
        return
    value = new_value(replacement, existing)
    if value is not None:
        node[step] = typed(value, existing)
