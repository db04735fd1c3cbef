"""Reading changes nothing, and the description of the API tells of every route."""

from __future__ import annotations

from openapi_spec_validator import validate
from tortoise import Tortoise

from muntin.openapi import open_path
from muntin.panel import Panel
from muntin.routing import WEBSOCKET
from muntin.testing.attacks import filled
from muntin.testing.callers import Caller


async def counts() -> dict[str, int]:
    """Table -> rows."""
    models = [model for app in (Tortoise.apps or {}).values() for model in app.values()]
    return {model._meta.db_table: await model.all().count() for model in models}


async def test_get_and_head_change_nothing(panel: Panel, tireless: Caller, things: dict[str, object]) -> None:
    before = await counts()
    reading = [one for one in panel.tables.tables["native"].routes if one.method == "GET"]
    for route in reading:
        for verb in ("GET", "HEAD", "OPTIONS"):
            answer = await tireless.ask(verb, filled(route.path, things))
            assert answer.status != 500

    assert await counts() == before
    assert len(before) > 20


async def test_description_is_valid_and_tells_of_every_route(panel: Panel, tireless: Caller) -> None:
    described = (await tireless.get("/api/v1/openapi.json")).body

    validate(described)
    told = {(verb.upper(), path) for path, verbs in described["paths"].items() for verb in verbs}
    routes = panel.tables.tables["native"].routes
    assert told == {(one.method, open_path(one.path)) for one in routes if one.method != WEBSOCKET}


async def test_answers_kept_for_one_are_not_given_to_another(tireless: Caller, admin: Caller) -> None:
    wanted = {"name": "kept", "fqdn": "k.test", "memory": 1, "disk": 1}
    first = await tireless.post("/api/v1/admin/nodes", wanted, Idempotency_Key="same")
    second = await admin.post("/api/v1/admin/nodes", wanted, Idempotency_Key="same")

    assert (first.status, second.status) == (201, 409)
    assert "Idempotency-Replayed" not in second.headers
