"""The attack families as tests of one's own plugin, by one import.

    from muntin.testing.suites.attacks import TestAttacks

Every native route of the plugins under test is asked by every kind of caller that must not get through, and sent every
kind of value that nobody meant. What routes can make themselves is made to be aimed at; for the rest, override the
fixture `attack_targets`.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from muntin.contributions import SettingsModel
from muntin.panel import Panel
from muntin.plugins.registry import CORE
from muntin.roles.models import ADMIN_ID, RoleRow
from muntin.routing import Route
from muntin.testing import probing
from muntin.testing.asynchronous import fixture
from muntin.testing.callers import Caller, People
from muntin.testing.probing import Targets

__all__ = ["TestAttacks"]


class TestAttacks:
    """Wrong callers, smuggled keys, hostile values, reading that writes, settings that break."""

    pytestmark = pytest.mark.asyncio

    @pytest.fixture
    def attacked(self, panel: Panel) -> list[Route]:
        """The native routes of everything but the core."""
        return [one for one in panel.tables.tables["native"].routes if one.plugin != CORE]

    @fixture
    async def targets(
        self, people: People, admin: Caller, attacked: list[Route], attack_targets: dict[str, object]
    ) -> Targets:
        """What the attacks are aimed at; the test fails where a target is missing, since it would show nothing."""
        await RoleRow.all().update(rate_limit_multiplier=1000)  # a generator asks more often than a person
        owner = await people.sign_in("owner_of_targets")
        made = await probing.make_targets(attacked, owner, admin, attack_targets)
        if made.missing:
            pytest.fail(f"Nothing to aim at; name it in the fixture attack_targets: {made.missing}")
        return made

    async def test_no_caller_gets_through_who_must_not(
        self, people: People, admin: Caller, attacked: list[Route], targets: Targets
    ) -> None:
        asked, through = await probing.let_through(people, admin, attacked, targets.values)

        _refuse(through)
        if attacked and not asked:
            pytest.fail("There are routes, and none of them could be attacked.")

    async def test_no_neighbour_reaches_what_no_list_shows_them(
        self, people: People, attacked: list[Route], targets: Targets
    ) -> None:
        neighbour = await people.sign_in("neighbour_of_targets")

        _refuse(await probing.trespassed(neighbour, attacked, targets))

    async def test_no_body_takes_a_key_that_it_does_not_know(
        self, admin: Caller, attacked: list[Route], targets: Targets
    ) -> None:
        _refuse(await probing.smuggled(admin, attacked, targets))

    async def test_no_value_brings_the_panel_to_a_fault(
        self, people: People, attacked: list[Route], targets: Targets
    ) -> None:
        tireless = await people.sign_in("administrator", role_id=ADMIN_ID)

        _refuse(await probing.unstable(tireless, attacked, targets))

    async def test_reading_changes_nothing(self, admin: Caller, attacked: list[Route], targets: Targets) -> None:
        _refuse(await probing.written_by_reading(admin, attacked, targets))

    async def test_no_value_of_a_setting_brings_the_panel_to_a_fault(self, panel: Panel, people: People) -> None:
        await RoleRow.all().update(rate_limit_multiplier=1000)
        tireless = await people.sign_in("administrator", role_id=ADMIN_ID)
        own = [one.value for one in panel.registry.owned(SettingsModel) if one.plugin != CORE]

        _refuse(await probing.settings_that_fail(tireless, own))


def _refuse(found: Sequence[str]) -> None:
    """Fail with a line for each."""
    if found:
        pytest.fail("\n".join(found), pytrace=False)
