"""How much of a body is read, and how deep it may be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muntin.api.dialect import MAX_DEPTH, read_json
from muntin.errors import BadRequest
from muntin.panel import Panel
from muntin.testing.callers import Caller

TEXTS = st.text(st.sampled_from('a"\\[]{},: é\n'), max_size=8)


def nested(depth: int, value: Any) -> Any:
    """The value inside so many lists and objects."""
    for level in range(depth):
        value = [value, "]"] if level % 2 else {'\\"[': value, "z": []}
    return value


def depth_of(value: Any) -> int:
    """How deep a value is, counted in the plain way."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth_of, inner), default=0)


@given(depth=st.integers(0, 2 * MAX_DEPTH), text=TEXTS, beside=st.lists(TEXTS, max_size=3))
def test_depth_is_counted_outside_of_texts(depth: int, text: str, beside: list[str]) -> None:
    body = {"field": nested(depth, text), "beside": beside}
    raw = json.dumps(body).encode()

    if depth_of(body) <= MAX_DEPTH:
        assert read_json(raw) == body
    else:
        with pytest.raises(BadRequest, match="nested too deep"):
            read_json(raw)


@pytest.mark.parametrize(
    "raw", [b"[" * 200_000, b"{" * 100, b"]" * 100, b'{"a":' * 100, b'"' * 99 + b"[" * 99, b"\\" * 999 + b"[" * 99]
)
def test_broken_body_is_refused_whatever_its_brackets(raw: bytes) -> None:
    with pytest.raises(BadRequest):
        read_json(raw)


def test_text_full_of_brackets_is_a_text() -> None:
    body = {"text": '[{"\\' * 10_000}

    assert read_json(json.dumps(body).encode()) == body


async def test_strangers_are_read_no_further_than_a_sign_in_needs(panel: Panel, stranger: Caller, user: Caller) -> None:
    routes = [route for route in panel.tables.tables["native"].routes if route.path.startswith("/api/v1/auth/")]
    large = {"email": "x" * 20_000, "password": "x"}

    answers = {route.path: (await (user if "logout" in route.path else stranger).post(route.path, large)).status
               for route in routes if route.method == "POST"}  # fmt: skip

    assert len(answers) == 9
    assert set(answers.values()) == {413}
    assert (await user.put("/api/v1/account", large)).status == 422
