"""Bodies and queries that are wrong, of every native route that exists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from muntin.testing.attacks import filled, sample
from muntin.testing.callers import Answer, Caller

from .world import World


def seen(answer: Answer) -> tuple[int, str]:
    """Status and code of an answer."""
    code = answer.body["error"]["code"] if isinstance(answer.body, dict) and "error" in answer.body else ""
    return answer.status, str(code)


def body_of(promise: Any) -> Any:
    """A valid body, where the route takes one."""
    return sample(promise.route.body) if promise.route.body else None


async def asked(caller: Caller, promises: list[Any], body: Any = body_of) -> dict[str, tuple[int, str]]:
    """What the caller is answered by each of the routes, of things that do not exist."""
    return {
        one.name: seen(await caller.ask(one.route.method, filled(one.route.path, {}), body(one))) for one in promises
    }


def missing(found: dict[str, tuple[int, str]], *wanted: tuple[int, str]) -> dict[str, tuple[int, str]]:
    """What was answered otherwise."""
    return {name: answer for name, answer in found.items() if answer not in wanted}


def listing(promises: list[Any], error: tuple[int, str]) -> list[Any]:
    """The routes for which the contract lists the error."""
    return [one for one in promises if error in one.errors]


@pytest.mark.usefixtures("without_attempts")
async def test_body_that_cannot_be_read_is_a_bad_request(boss: Caller, promises: list[Any]) -> None:
    routes = [one for one in listing(promises, (400, "bad_request")) if one.route.body]

    for raw in (b"{", b"[]", b'"text"', b"\xff\xfe", b"{}{}", b'{"a":' * 100):
        found = await asked(boss, routes, lambda _one, raw=raw: raw)
        assert missing(found, (400, "bad_request")) == {}, raw

    assert len(routes) > 35


@pytest.mark.usefixtures("without_attempts")
async def test_body_of_another_type_is_refused(boss: Caller, promises: list[Any]) -> None:
    found = {}
    for one in (one for one in promises if one.route.body):
        path = filled(one.route.path, {})
        found[one.name] = seen(await boss.ask(one.route.method, path, b"<a/>", Content_Type="text/xml"))

    assert missing(found, (415, "unsupported_media_type")) == {}


@pytest.mark.usefixtures("without_attempts")
async def test_each_wrong_field_is_named(boss: Caller, promises: list[Any]) -> None:
    faults = []
    routes = [one for one in listing(promises, (422, "validation_error")) if one.route.body]
    for one in routes:
        for field, body in _wrong_bodies(one.route.body):
            answer = await boss.ask(one.route.method, filled(one.route.path, {}), body)
            named = answer.status == 422 and field in {name.split(".")[0] for name in answer.body["error"]["details"]}
            if not named:
                faults.append((one.name, field, body, seen(answer)))

    assert len(routes) > 35
    assert faults == []


def _wrong_bodies(model: Any) -> Iterator[tuple[str, Any]]:
    """Each field with a value of no type it could have, each required field left out, and a field nobody knows."""
    valid = sample(model)
    yield "unknown", {**valid, "unknown": 1}
    schema = model.model_json_schema()
    for name in schema.get("properties", ()):
        yield name, {**valid, name: [{"no": {"such": ["thing"]}}]}
    for name in schema.get("required", ()):
        yield name, {key: value for key, value in valid.items() if key != name}


async def test_query_that_cannot_be_read_is_a_bad_request(boss: Caller, promises: list[Any]) -> None:
    lists = [one for one in promises if one.route.query and "page" in one.route.query.model_fields]
    found = {}
    for one in lists:
        path = filled(one.route.path, {})
        for query in ("page=0", "per_page=101", "page=x"):
            found[f"{one.name}?{query}"] = seen(await boss.get(f"{path}?{query}"))

    assert len(lists) > 10
    assert missing(found, (400, "bad_request")) == {}


async def test_fault_of_the_panel_is_shown_as_the_id_of_the_request(world: World) -> None:
    answer = await world.with_a_fault("GET", "/api/v1/account", world.boss)

    assert answer.body["error"]["details"] == {"request_id": answer.headers["X-Request-Id"]}
    assert "secret" not in str(answer.body)
