"""Every error that the contract lists for all kinds of routes, on every native route that exists."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from muntin import dispatch
from muntin.panel import Panel
from muntin.testing.attacks import filled, sample
from muntin.testing.callers import Answer, Caller, People


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


async def test_stranger_is_asked_to_sign_in(people: People, promises: list[Any]) -> None:
    routes = listing(promises, (401, "unauthorized"))

    found = await asked(people.stranger("192.0.2.1"), routes)

    assert len(routes) > 80
    assert missing(found, (401, "unauthorized")) == {}


async def test_key_without_the_scope_is_refused(people: People, boss: Caller, promises: list[Any]) -> None:
    made = await boss.post("/api/v1/account/api-keys", {"description": "narrow", "permissions": ["account.ssh-keys"]})
    narrow = people.bearer(made.data["token"])
    routes = [
        one
        for one in listing(promises, (403, "forbidden"))
        if one.route.permission and not (one.route.permission or "").startswith("account.ssh-keys")
    ]

    found = await asked(narrow, routes)

    # Of what a key may not see at all it does not learn whether it exists.
    hidden = {one.name for one in routes if "{}" in one.name}
    assert len(routes) > 60
    others = missing(found, (403, "forbidden"), (403, "session_required"))
    assert {name: answer for name, answer in others.items() if name not in hidden or answer != (404, "not_found")} == {}


async def test_what_does_not_exist_is_not_found(boss: Caller, promises: list[Any]) -> None:
    routes = [one for one in listing(promises, (404, "not_found")) if "{}" in one.name]

    found = await asked(boss, routes)

    assert len(routes) > 45
    assert missing(found, (404, "not_found")) == {}


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


async def test_caller_who_asked_too_often_is_told_when_to_come_back(
    panel: Panel, people: People, promises: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panel.limits, "_clock", lambda: 1_500_000_000.0)
    hasty, stranger = await people.sign_in("hasty"), people.stranger("192.0.2.77")
    for caller in (hasty, stranger):
        statuses = [(await caller.get("/api/v1/health")).status for _index in range(241)]
        assert statuses == [200] * 240 + [429]

    found = await asked(hasty, [one for one in promises if one.auth != "none"])
    open_to_all = await asked(stranger, [one for one in promises if one.auth == "none"])

    assert missing(found | open_to_all, (429, "rate_limit_exceeded")) == {}
    assert len(found | open_to_all) == len(promises)
    assert int((await hasty.get("/api/v1/account")).headers["Retry-After"]) >= 1


async def test_fault_of_the_panel_is_shown_as_the_id_of_the_request(
    boss: Caller, promises: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_arguments: Any) -> Any:
        await asyncio.sleep(0)
        raise RuntimeError("a fault with a secret in it")

    monkeypatch.setattr(dispatch, "arguments_for", fail)

    found = await asked(boss, promises)
    answer = await boss.get("/api/v1/account")

    assert missing(found, (500, "internal_error")) == {}
    assert answer.body["error"]["details"] == {"request_id": answer.headers["X-Request-Id"]}
    assert "secret" not in str(answer.body)
