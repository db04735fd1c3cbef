"""That `muntin routes --json` and the OpenAPI document tell of every route what the contract says of it."""

from __future__ import annotations

import importlib
import json

import pytest
from typer.testing import CliRunner

from muntin.access import guard_of
from muntin.cli import app
from muntin.testing.callers import Caller

from .asking import NEVER
from .promises import CONTRACT, Promise, shape

COLUMNS = ["method", "path", "plugin", "dialect", "permission", "service"]


def test_each_route_is_listed_with_its_permission_and_service(
    promises: list[Promise], tmp_path_factory: pytest.TempPathFactory
) -> None:
    environment = {"MUNTIN_PLUGINS": "gameservers", "MUNTIN_DATA_DIR": str(tmp_path_factory.mktemp("data"))}
    told = CliRunner().invoke(app, ["routes", "--json"], env=environment)

    rows = json.loads(told.output)

    listed = {(row["method"], shape(row["path"])): row for row in rows}
    assert {(one.route.method, shape(one.path)) for one in promises} <= set(listed)
    assert [row for row in rows if list(row) != COLUMNS] == []
    assert [row for row in rows if not all(row[name] for name in COLUMNS if name != "permission")] == []
    assert [row for row in rows if _permission_of(row["service"]) != row["permission"]] == []


def _permission_of(service: str) -> str | None:
    """What the named function asks for; nothing where it is open to all."""
    module, _dot, name = service.rpartition(".")
    guard = guard_of(getattr(importlib.import_module(module), name))
    return guard.permission if guard else None


async def test_each_route_is_described_with_its_errors(promises: list[Promise], boss: Caller) -> None:
    document = (await boss.get("/api/v1/openapi.json")).body
    paths = {shape(path): operations for path, operations in document["paths"].items()}

    lacking = []
    for one in promises:
        responses = paths[shape(one.path)][one.route.method.lower()]["responses"]
        told = {(status, code) for status, code in one.errors if f"`{code}`" in _words(responses, status)}
        never = {(status, code) for name, status, code in NEVER if name == one.name}
        if str(one.status) not in responses or one.errors - told - never:
            lacking.append((one.name, one.errors - told - never))

    assert (document["openapi"], lacking) == ("3.1.0", [])
    assert len(paths) > 60
    assert len(CONTRACT["routes"]) > len(promises)  # the rest are other plugins'


def _words(responses: dict[str, dict[str, str]], status: int) -> str:
    return responses.get(str(status), {}).get("description", "")
