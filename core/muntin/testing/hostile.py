"""Hostile values for every field, query value and path value of a route, made from its models.

What a panel may answer to them is a refusal, or success with the value kept and shown as it was sent; never a fault
of its own. `muntin.testing.attacks` shows these generators to tests of plugins.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel

from muntin.routing import WEBSOCKET, Route
from muntin.testing.callers import Caller
from muntin.testing.samples import VALUE, filled, sample

TEXTS: tuple[str, ...] = (
    "a\0b",
    "a\r\nSet-Cookie: x=1",
    "'; DROP TABLE core_account; --\"\\",
    ";|&$(id)`id`",
    "{{ 7*7 }}${7*7}{% raw %}<%= 7*7 %>",
    "<script>alert(1)</script><svg onload=alert(1)>",
    "%00%2e%2e%2f_%",
    "-rf --checkpoint=1",
    "\u202eabc\u2066\u200b",
    "\x1b]0;title\x07\x1b[31m",
    "\u0430dmin\ufb01\u212a\U0001f4a9",
    "١٢٣",
)
"""Texts that broke out of quotes, lines, templates, shells, pages and terminals elsewhere."""

LONG = "a" * 1_000_000
NUMBERS: tuple[Any, ...] = (-1, 0, 2**31, 2**53, 2**63 - 1, 2**64, 10**30, 1e308, -1e308, 0.5, "NaN", "1e400", "१")
WRONG: tuple[Any, ...] = (None, [], {}, [None], {"a": {"b": []}}, [["a"]], "", 10**30)
TIMES: tuple[str, ...] = (
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59Z",
    "2100-02-30",
)
PIECES: tuple[str, ...] = (
    "%00", "abc%00def1", "..", "%2e%2e", "0", "-1", "9" * 40, "%ff%fe", "%0d%0aX-A:%20b", "null", "%F0%9F%92%A9",
    "a" * 3000, "%D9%A1%D9%A2", "%25%30%30", "'--", "{{7*7}}",
)  # fmt: skip
"""Values of paths, percent-encoded."""


@dataclass(frozen=True, slots=True)
class Hostile:
    """One request with one value that is not what anybody meant.

    Attributes:
        path: Filled in, with the query.
        body: JSON, `None` for none.
        field: The field, query value or path value that is hostile.
        value: What stands there.
    """

    route: Route
    path: str
    body: Any
    field: str
    value: Any

    @property
    def label(self) -> str:
        """For reports of failures."""
        return f"{self.route.method} {self.route.path} {self.field}={repr(self.value)[:60]}"

    @property
    def raw(self) -> bytes | None:
        """The body as it is sent; numbers may be larger than our own writer of JSON takes."""
        return None if self.body is None else json.dumps(self.body).encode()

    def kept_in(self, data: Any) -> bool:
        """Whether an answer shows the text as it was sent, or does not show the field at all.

        White space around it and capitals may go: names are trimmed and addresses are lowered.
        """
        shown = data.get(self.field) if isinstance(data, dict) else None
        if not isinstance(shown, str) or not isinstance(self.value, str):
            return True
        return shown.strip().lower() == self.value.strip().lower()


def hostile_bodies(routes: Iterable[Route], values: Mapping[str, object]) -> Iterator[Hostile]:
    """Every field of every JSON body with every hostile value of its type; the rest of the body is valid.

    Args:
        values: Path value name, or name of a field that every body needs -> id of something that exists.
    """
    for route in routes:
        if route.body is None or route.method == WEBSOCKET or route.form:
            continue
        path, schema = filled(route.path, values), route.body.model_json_schema()
        known = {name: str(values[name]) for name in schema.get("required", ()) if name in values}
        for name, field in schema.get("properties", {}).items():
            for value in _values_for(field, schema.get("$defs", {})):
                yield Hostile(route, path, {**sample(route.body), **known, name: value}, name, value)


def hostile_queries(routes: Iterable[Route], values: Mapping[str, object]) -> Iterator[Hostile]:
    """Every value of every query with every hostile text and number."""
    for route in routes:
        if route.query is None or route.method != "GET":
            continue
        path = filled(route.path, values)
        for name in _query_names(route.query):
            for value in (*TEXTS, "x" * 300, *(str(one) for one in NUMBERS), *_sorts(name)):
                yield Hostile(route, f"{path}?{urlencode({name: value})}", None, name, value)


def hostile_paths(routes: Iterable[Route], values: Mapping[str, object]) -> Iterator[Hostile]:
    """Every value of every path with every hostile piece; bodies are valid."""
    for route in routes:
        if route.method == WEBSOCKET or route.form:
            continue
        names = [name for _kind, name in VALUE.findall(route.path)]
        for name in names:
            for piece in PIECES:
                path = filled(route.path, {**values, name: piece})
                yield Hostile(route, path, sample(route.body) if route.body else None, name, piece)


async def faults(caller: Caller, cases: Iterable[Hostile]) -> list[str]:
    """Send them all; what was answered by a fault of the panel's own, or kept other than it was sent.

    A refusal has to be one of the dialect's, and an error never tells of the inside.
    """
    found: list[str] = []
    for case in cases:
        answer = await caller.ask(case.route.method, case.path, case.raw)
        inside = b"Traceback" in answer.body if isinstance(answer.body, bytes) else "Traceback" in str(answer.body)
        kept = answer.status >= 300 or not isinstance(answer.body, dict) or case.kept_in(answer.body.get("data"))
        if answer.status >= 500 or answer.status == 429 or inside or not kept:
            found.append(f"{case.label}: {answer.status}")
    return found


def _query_names(model: type[BaseModel]) -> list[str]:
    return list(model.model_json_schema().get("properties", {}))


def _sorts(name: str) -> tuple[str, ...]:
    if name != "sort":
        return ()
    return ("id desc", "-" * 20, "name,-name,name", ",".join(["created_at"] * 2500), "password_hash", "account__token")


def _values_for(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[Any]:
    """Hostile values by what the JSON Schema says a field may be; also of the kinds it may not be."""
    kinds = set(_kinds(field, definitions))
    if kinds == {"boolean"} or kinds == {"boolean", "null"}:
        yield from (2, "maybe", [], {})
        return
    yield from WRONG
    if "string" in kinds:
        yield from (*TEXTS, LONG)
        yield from TIMES if "date-time" in kinds else ()
    if kinds & {"integer", "number"}:
        yield from NUMBERS
    if "array" in kinds:
        yield from ([text] for text in TEXTS)
        yield [str(number) for number in range(2000)]
    if "object" in kinds:
        yield from ({"A": text} for text in TEXTS)
        yield from ({text: "a"} for text in TEXTS)


def _kinds(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[str]:
    if "$ref" in field:
        yield from _kinds(definitions[field["$ref"].rsplit("/", 1)[1]], definitions)
    for one in (*field.get("anyOf", ()), *field.get("oneOf", ())):
        yield from _kinds(one, definitions)
    if "type" in field:
        yield field["type"]
    if "format" in field:
        yield field["format"]
