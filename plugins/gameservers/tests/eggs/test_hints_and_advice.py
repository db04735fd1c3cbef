"""What a form and an administrator are told of an egg."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from muntin_gameservers.eggs.advice import Advice, advice
from muntin_gameservers.eggs.reading import read_egg
from muntin_gameservers.eggs.rules import FieldHint, hint


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("required|in:0,1", FieldHint("switch", ("0", "1"), is_required=True)),
        ("in:true,false", FieldHint("switch", ("false", "true"))),
        ("in:TRUE,FALSE", FieldHint("switch", ("FALSE", "TRUE"))),
        ("boolean", FieldHint("switch", ("0", "1"))),
        ("in:1", FieldHint("select", ("1",))),
        ("required|string|in:a,b,c", FieldHint("select", ("a", "b", "c"), is_required=True)),
        ("required|integer|between:1,64", FieldHint("number", (), 1, 64, True)),
        ("numeric|min:0.5", FieldHint("number", (), 0.5, None)),
        ("integer|gt:0|max:10", FieldHint("number", (), 1, 10)),
        ("required|string|max:20", FieldHint("text", (), None, 20, True)),
        ("size:32", FieldHint("text", (), 32, 32)),
        ("integer|min:x", FieldHint("number")),
        ("", FieldHint("text")),
    ],
)
def test_field_suits_the_rules(rules: str, expected: FieldHint) -> None:
    assert hint(rules) == expected


def test_administrator_is_told_what_will_not_work(make_document: Callable[..., dict[str, Any]]) -> None:
    document = make_document("PTDL_v2")
    document["variables"][0] |= {"env_variable": "server_port", "rules": "required|exists:maps"}
    document["config"]["files"] = json.dumps({"a.toml": {"parser": "toml", "find": {}}})

    found = advice(read_egg(json.dumps(document).encode()))

    assert found == (
        Advice("variables.0.rules", "The rule exists:maps is kept but not checked."),
        Advice("variables.0.env_variable", "server_port is set by the panel, not by this variable."),
        Advice("config.files.a.toml.parser", "No parser is called toml; the file stays as it is."),
    )
