"""Every field, query value and path value of every native route of the core with values nobody meant."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from muntin.contributions import SettingsModel
from muntin.panel import Panel
from muntin.routing import Route
from muntin.testing.attacks import faults, hostile_bodies, hostile_paths, hostile_queries
from muntin.testing.callers import Caller
from muntin.testing.hostile import NUMBERS, TEXTS, WRONG


@pytest.fixture
def routes(panel: Panel) -> Iterable[Route]:
    """The native routes but those whose own limits answer first."""
    return [one for one in panel.tables.tables["native"].routes if not one.path.startswith("/api/v1/auth/")]


async def test_no_body_brings_the_panel_to_a_fault(
    routes: Iterable[Route], tireless: Caller, things: dict[str, object]
) -> None:
    cases = list(hostile_bodies(routes, things))

    assert await faults(tireless, cases) == []
    assert len(cases) > 500


async def test_no_query_brings_the_panel_to_a_fault(
    routes: Iterable[Route], tireless: Caller, things: dict[str, object]
) -> None:
    cases = list(hostile_queries(routes, things))

    assert await faults(tireless, cases) == []
    assert len(cases) > 300


async def test_no_path_brings_the_panel_to_a_fault(
    routes: Iterable[Route], tireless: Caller, things: dict[str, object]
) -> None:
    cases = list(hostile_paths(routes, things))

    assert await faults(tireless, cases) == []
    assert len(cases) > 200


async def test_no_value_of_a_setting_brings_the_panel_to_a_fault(panel: Panel, tireless: Caller) -> None:
    found: list[tuple[str, object, int]] = []
    for section in panel.registry.of(SettingsModel):
        for field in section.model.model_fields:
            for value in (*TEXTS[:3], *NUMBERS[:7:3], *WRONG[:4]):
                answer = await tireless.put(
                    "/api/v1/admin/settings", json.dumps({section.section: {field: value}}).encode()
                )
                if answer.status not in (200, 400, 422):
                    found.append((f"{section.section}.{field}", value, answer.status))

    assert found == []


async def test_sign_in_routes_stand_hostile_bodies(panel: Panel, people: object, stranger: Caller) -> None:
    routes = [one for one in panel.tables.tables["native"].routes if one.path.startswith("/api/v1/auth/")]
    found: list[tuple[str, int]] = []
    for number, case in enumerate(hostile_bodies(routes, {})):
        stranger.address = f"2001:db8:{number:x}::1"
        answer = await stranger.ask(case.route.method, case.path, case.raw)
        if answer.status >= 500:
            found.append((case.label, answer.status))

    assert found == []
