"""Plugins that cannot be loaded are found out in a process that may die of them."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from muntin.plugins.probe import ProbeReport, probe, probe_each

from .packages import install

pytestmark = pytest.mark.timeout(300)
CASES: Mapping[str, tuple[Mapping[str, str], str, str]] = {
    "raises at import": ({"import": "raises"}, "import", "ZeroDivisionError: by design"),
    "raises in a hook": ({"hook": "raises"}, "hooks", "ZeroDivisionError: by design"),
    "sys.exit at import": ({"import": "sys.exit"}, "import", "SystemExit: 3"),
    "wrong type": ({"nav": "wrong type"}, "hooks", "TypeError: NavItem.label is None, which is no str."),
    "duplicate route": (
        {"routes": "duplicate"},
        "clashes",
        "The route native GET /api/v1/account belongs to core already.",
    ),
    "duplicate permission": (
        {"permission": "duplicate"},
        "clashes",
        "The permission admin.users.list belongs to core already.",
    ),
    "broken template": ({"template": "broken"}, "templates", "slot.html:1: Expected an expression"),
    "broken migration": ({"migration": "broken"}, "migrations", "MigrationFailed: migration"),
    "os._exit at import": ({"import": "os._exit"}, "import", "It ended the process with exit code 7."),
    "memory balloon at import": ({"import": "memory balloon"}, "import", "MemoryError: it takes more than 1024 MiB."),
}
HANGING = ("slow import", "endless loop", "huge output")


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What stands for `/tmp` while plugins are probed."""
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module")
async def reports(tmp_path_factory: pytest.TempPathFactory, temporary: Path) -> Mapping[str, ProbeReport]:
    """Everything that fails by itself, probed in one go, with a plugin that works at the end."""
    folder = tmp_path_factory.mktemp("plugins")
    names = {title: f"case_{number}" for number, title in enumerate(CASES)}
    for title, name in names.items():
        install(folder, name, CASES[title][0])
    install(folder, "works")
    titles = [*names, "works"]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tempfile, "tempdir", str(temporary))
        found = [one async for one in probe_each([folder], [*names.values(), "works"], beside=(), deadline_s=90)]
    return dict(zip(titles, found, strict=True))


@pytest.mark.parametrize("title", CASES)
def test_plugin_that_cannot_be_loaded_is_refused_with_step_and_reason(
    reports: Mapping[str, ProbeReport], title: str
) -> None:
    report = reports[title]

    assert (report.ok, report.step) == (False, CASES[title][1])
    assert CASES[title][2] in report.reason
    assert "muntin plugin enable" in report.remedy


def test_plugin_that_works_is_told_with_what_it_contributes(reports: Mapping[str, ProbeReport]) -> None:
    report = reports["works"]

    assert (report.ok, report.step, report.reason) == (True, "", "")
    assert {kind: report.contributions[kind] for kind in ("Route", "Task", "NavItem", "Event")} == {
        "Route": 6,
        "Task": 1,
        "NavItem": 1,
        "Event": 1,
    }


def test_nothing_is_left_of_processes_that_ended_well_or_were_killed(
    reports: Mapping[str, ProbeReport], temporary: Path
) -> None:
    assert len(reports) == len(CASES) + 1
    assert list(temporary.iterdir()) == []


@pytest.fixture(scope="module")
async def hanging(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, ProbeReport]:
    """Everything that never ends; what is quiet meanwhile is probed at the same time."""

    async def probed(fault: str) -> ProbeReport:
        folder = tmp_path_factory.mktemp("hanging")
        install(folder, "hangs", {"import": fault})
        return await probe([folder], "hangs", beside=(), deadline_s=6)

    *quiet, loud = HANGING
    found = [*await asyncio.gather(*map(probed, quiet)), await probed(loud)]
    return dict(zip(HANGING, found, strict=True))


@pytest.mark.parametrize("fault", HANGING)
def test_plugin_that_never_ends_is_ended_at_its_deadline(hanging: Mapping[str, ProbeReport], fault: str) -> None:
    report = hanging[fault]

    assert (report.ok, report.reason) == (False, "Not done after 6 s.")
    assert report.seconds < 30


async def test_plugin_that_is_not_there_is_said_not_to_be(tmp_path: Path) -> None:
    report = await probe([tmp_path], "nowhere", beside=(), deadline_s=60)

    assert (report.ok, report.step, report.reason) == (False, "find", "No plugin nowhere is installed.")
