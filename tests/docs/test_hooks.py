"""Every hook and every field of what hooks return is described for plugin authors."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from muntin import contributions, hookspecs
from muntin.dialects import Dialect
from muntin.plugins.loading import HOOKS
from muntin_node import contributions as node_contributions
from muntin_node import hookspecs as node_hookspecs
from muntin_node.context import NodeContext

FOLDER = Path("docs/plugins/hooks")
NODES = Path("docs/plugins/nodes.md")
NAMES = tuple(name for name in vars(hookspecs) if name.startswith("muntin_"))
KINDS = tuple(
    kind for kind in (getattr(contributions, name) for name in contributions.__all__) if dataclasses.is_dataclass(kind)
)
NODE_KINDS = (node_contributions.NodeHalf, node_contributions.RunningHalf, NodeContext)
DIALECT = tuple(name for name in vars(Dialect) if not name.startswith("_"))


@pytest.mark.parametrize("name", NAMES)
def test_hook_has_a_page_with_its_name_as_heading(pages: Mapping[Path, str], name: str) -> None:
    page = pages[FOLDER / f"{name}.md"]

    assert page.startswith(f"# {name}\n")
    assert [kind.__name__ for kind in HOOKS[name] if f"`{kind.__name__}`" not in page and kind is not type] == []


def test_no_page_describes_a_hook_that_is_gone(pages: Mapping[Path, str]) -> None:
    described = {path.stem for path in pages if path.parent == FOLDER}

    assert described == set(NAMES)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_fields_of_a_contribution_are_described(sections: Mapping[tuple[Path, str], str], kind: type) -> None:
    described = _described(sections, FOLDER, kind.__name__)

    assert described == _fields(kind)


@pytest.mark.parametrize("kind", NODE_KINDS, ids=lambda kind: kind.__name__)
def test_fields_of_what_a_node_half_gives_and_gets_are_described(
    sections: Mapping[tuple[Path, str], str], kind: type
) -> None:
    described = _described(sections, NODES, kind.__name__)

    assert described == _fields(kind)


def test_what_a_dialect_may_define_is_described(sections: Mapping[tuple[Path, str], str]) -> None:
    described = _described(sections, FOLDER, "Dialect")
    attributes = set(inspect.get_annotations(Dialect)) | set(DIALECT)

    assert described == attributes


def test_hooks_of_the_agent_are_described(sections: Mapping[tuple[Path, str], str]) -> None:
    hooks = [name for name in vars(node_hookspecs) if name.startswith("muntin_")]

    assert [name for name in hooks if (NODES, name) not in sections] == []
    assert hooks != []


def _described(sections: Mapping[tuple[Path, str], str], place: Path, heading: str) -> set[str]:
    """Names in the first column of the table below the one heading of this name."""
    found = [body for (path, name), body in sections.items() if name == heading and place in (path, path.parent)]
    assert len(found) == 1, f"{heading} has {len(found)} headings below {place}"
    return set(re.findall(r"^\| `(\w+)` \|", found[0], flags=re.MULTILINE))


def _fields(kind: type) -> set[str]:
    assert dataclasses.is_dataclass(kind)
    return {field.name for field in dataclasses.fields(kind) if not field.name.startswith("_")}
