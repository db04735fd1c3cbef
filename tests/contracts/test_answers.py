"""Every answer that the contract lists, success and errors, of every native route that exists."""

from __future__ import annotations

import pytest

from .areas import AREAS
from .asking import NEVER, ask_all
from .promises import Promise
from .world import World


@pytest.mark.parametrize("area", AREAS)
async def test_area_answers_as_the_contract_says(area: str, world: World, promises: list[Promise]) -> None:
    rows, by_name = AREAS[area], {one.name: one for one in promises}

    findings = await ask_all(world, rows, by_name)

    own = [by_name[name] for name in {row.name for row in rows}]
    successes = {(one.name, one.status, "") for one in own}
    errors = {(one.name, status, code) for one in own for status, code in one.errors}
    assert findings.faults == []
    assert (successes | errors) - set(NEVER) == findings.seen


def test_every_route_is_in_one_area(promises: list[Promise]) -> None:
    named = [name for rows in AREAS.values() for name in {row.name for row in rows}]

    assert sorted(named) == sorted(one.name for one in promises)
