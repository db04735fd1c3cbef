"""Entries of the audit log as sentences."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeGuard
from uuid import UUID

import pytest

import muntin
from muntin.audit import Activity, by_whom, known_words, sentence
from muntin.audit.service import ActivityActor, ActivitySubject
from muntin.audit.words import WORDS
from muntin.panel import Panel


def entry(event: str, **properties: Any) -> Activity:
    """An entry of the log."""
    return Activity(
        id=UUID(int=1), event=event, actor=ActivityActor(id=None, username=None, type="system"),
        subject=ActivitySubject(type="node", id="1"), ip=None, properties=properties, created_at=datetime.now(UTC),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("event", "properties", "words"),
    [
        ("node.created", {"name": "one"}, "Added the node one"),
        ("node.created", {}, "Added the node …"),
        ("node.created", {"name": "{name}"}, "Added the node {name}"),
        ("node.created", {"name": "x" * 500}, "Added the node " + "x" * 200),
        ("mail.tested", {"to": ["a", "environment.B"]}, "Sent a test mail to a, B"),
        ("api.something_new", {}, "Api: something new"),
        ("odd", {}, "Odd"),
    ],
)
def test_entry_is_a_sentence(panel: Panel, event: str, properties: dict[str, Any], words: str) -> None:
    assert sentence(entry(event, **properties), known_words()) == words


@pytest.mark.parametrize(
    ("actor", "words"),
    [
        (ActivityActor(id=UUID(int=2), username="ada", type="api_key"), "ada"),
        (ActivityActor(id=UUID(int=2), username=None, type="user"), str(UUID(int=2))),
        (ActivityActor(id=None, username=None, type="user"), "not signed in"),
        (ActivityActor(id=None, username=None, type="system"), "the panel"),
        (ActivityActor(id=None, username="muntin", type="system"), "muntin"),
    ],
)
def test_actor_is_named_as_people_know_it(actor: ActivityActor, words: str) -> None:
    assert by_whom(replace(entry("node.created"), actor=actor)) == words


def recorded(folder: Path) -> Iterator[str]:
    """Names of events that the code of a folder records or hands to what records them."""
    for file in folder.rglob("*.py"):
        if "testing" in file.parts or "conformance" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and _name(node.func) in ("record", "_note", "_remember", "_tell", "_record"):
                values = [one.value for one in node.args if isinstance(one, ast.Constant)]
                yield from (one for one in values if _is_event(one))


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _is_event(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and "." in value and value.replace(".", "").replace("_", "").isalpha()


def test_every_event_of_the_core_has_words() -> None:
    found = set(recorded(Path(muntin.__file__).parent))

    assert len(found) > 35
    assert found - set(WORDS) == set()
