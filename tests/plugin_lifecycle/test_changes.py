"""Installing, upgrading and uninstalling through the services, on SQLite and PostgreSQL; failures put back what was."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from muntin.access import Actor
from muntin.audit.models import AuditRow
from muntin.database import database_dialect, execute, fetch_all
from muntin.errors import Forbidden, NotFound
from muntin.panel import Panel
from muntin.plugins.declared import read_declared
from muntin.plugins.generations import Generations, activate
from muntin.plugins.installing.report import ChangeFailed, Report
from muntin.plugins.installing.service import install_plugin, purge_plugin, uninstall_plugin
from muntin.plugins.installing.sources import Sources
from muntin.plugins.manifest_file import PluginRefused
from muntin.plugins.models import PluginRow
from muntin.plugins.states import list_plugins
from muntin.plugins.tables_of import columns_of, tables_of
from muntin.testing.callers import Caller

from .wheels import WheelPlan, library

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("panel")]
SYSTEM = Actor.system()

LOSING = """
from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("notes", "0001_initial")]
    operations = [ops.RunSQL("UPDATE notes_note SET text = 'lost'", "SELECT 1")]
"""
FAILING = """
from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("notes", "0002_losing")]
    operations = [ops.RunSQL("INSERT INTO notes_note SELECT * FROM notes_note", "SELECT 1")]
"""


async def failed(wheel: Path, **more: Any) -> Report:
    """The report of an installation that fails."""
    with pytest.raises(ChangeFailed) as failure:
        await install_plugin(SYSTEM, wheel, **more)
    return failure.value.report


def undone(report: Report) -> list[tuple[str, str]]:
    """Titles and states of the steps that put something back."""
    return [(one.title, one.state) for one in report.steps if one.undoes]


async def migrations() -> set[str]:
    """Of the plugin, those that were applied."""
    return {str(row["name"]) for row in await fetch_all("SELECT name FROM tortoise_migrations WHERE app = 'notes'")}


async def write_note(text: str) -> None:
    """A row, as the plugin would write it."""
    now = "2026-01-01 00:00:00+00:00"
    columns = "(id, created_at, updated_at, text)"
    if database_dialect() == "sqlite":
        await execute(f"INSERT INTO notes_note {columns} VALUES (?, ?, ?, ?)", [uuid4(), now, now, text])
    else:
        await execute(f"INSERT INTO notes_note {columns} VALUES (?, now(), now(), ?)", [uuid4(), text])


async def notes() -> list[str]:
    """What is kept."""
    return [str(row["text"]) for row in await fetch_all("SELECT text FROM notes_note ORDER BY text")]


async def test_plugin_is_installed_with_its_tables_and_declared(
    panel: Panel, generations: Generations, shelf: Path
) -> None:
    report = await install_plugin(SYSTEM, WheelPlan().write(shelf))

    assert (report.state, report.target) == ("done", "notes")
    assert [one.title for one in report.steps] == [
        "Look and resolve", "Unpack", "Try notes in a process of its own", "Migrate", "Start new processes", "Switch",
    ]  # fmt: skip
    assert generations.current == 1
    assert [(one.distribution, one.version) for one in read_declared(generations.folder).wheels] == [
        ("muntin-notes", "1.0")
    ]
    assert await tables_of("notes") == ["notes_note"]
    assert await AuditRow.filter(event="plugin.installed", subject_type="plugin", subject_id="notes").count() == 1


async def test_same_wheel_again_changes_nothing(generations: Generations, shelf: Path) -> None:
    report = await install_plugin(SYSTEM, WheelPlan().write(shelf))

    assert [(one.title, one.text) for one in report.steps] == [("Look and resolve", "It is installed already")]
    assert generations.current == 1


async def test_upgrade_whose_code_does_not_load_puts_back_what_was(generations: Generations, shelf: Path) -> None:
    report = await failed(WheelPlan(version="1.1", plugin="raise OSError('{name}')").write(shelf))

    step = report.failed_step
    assert step is not None
    assert (step.title, step.text) == ("Try notes in a process of its own", "OSError: notes")
    assert undone(report) == [("Delete the new generation", "done")]
    assert (generations.current, generations.all()) == (1, [1])
    assert [one.name for one in generations.wheels.iterdir()] == ["muntin_notes-1.0-py3-none-any.whl"]


async def test_upgrade_that_fails_in_its_second_migration_undoes_the_first_and_keeps_every_row(
    generations: Generations, shelf: Path
) -> None:
    await write_note("before")

    report = await failed(WheelPlan(version="3.0", upto=3).write(shelf))

    step = report.failed_step
    assert step is not None
    assert step.title == "Migrate"
    assert "notes.0003_failing" in step.text
    assert undone(report) == [
        ("Put the database back", "done"), ("Forget the change", "done"), ("Delete the new generation", "done"),
    ]  # fmt: skip
    assert [one.name for one in await columns_of("notes_note")] == ["id", "created_at", "updated_at", "text"]
    assert await migrations() == {"0001_initial"}
    assert await notes() == ["before"]
    assert (generations.current, generations.all()) == (1, [1])


@pytest.mark.parametrize("store_server", ["sqlite"], indirect=True, scope="session")  # others are their operator's care
async def test_migration_that_lost_something_is_undone_from_the_copy_on_sqlite(
    generations: Generations, shelf: Path
) -> None:
    files = {"muntin_notes/migrations/0002_losing.py": LOSING, "muntin_notes/migrations/0003_failing.py": FAILING}

    report = await failed(WheelPlan(version="4.0", files=files).write(shelf))

    [title, *_others] = [one for one in report.steps if one.undoes]
    assert title.text.startswith("Put back from ")
    assert await notes() == ["before"]
    assert await migrations() == {"0001_initial"}


async def test_upgrade_adds_a_column_to_the_filled_table(generations: Generations, shelf: Path) -> None:
    await install_plugin(SYSTEM, WheelPlan(version="2.0", upto=2).write(shelf), upgrade=True)

    assert [row["colour"] for row in await fetch_all("SELECT colour FROM notes_note")] == ["white"]
    assert (generations.current, generations.all()) == (2, [2])


async def test_older_version_is_refused_where_the_tables_are_of_a_newer_one(
    generations: Generations, shelf: Path
) -> None:
    report = await failed(WheelPlan().write(shelf))

    assert report.error == "the tables of notes were made by a newer version of it (0002_colour)"
    assert generations.current == 2


async def test_wheel_that_needs_another_version_of_what_the_panel_runs_with_is_refused_naming_both(shelf: Path) -> None:
    report = await failed(WheelPlan(name="tags", requires=("muntin", "quart>=99")).write(shelf))

    assert report.error.startswith("muntin-tags 1.0 needs quart>=99; the panel runs with quart 0.")


async def test_wheel_of_the_panels_own_environment_is_refused(shelf: Path) -> None:
    plan = WheelPlan(name="gameservers", version="9.0")

    report = await failed(plan.write(shelf))

    assert report.error == "muntin-gameservers 0.1.0 is part of the panel's own environment."


async def test_wheel_that_brings_a_package_of_somebody_else_is_refused(shelf: Path) -> None:
    report = await failed(WheelPlan(name="tags", files={"quart/__init__.py": "import os"}).write(shelf))

    assert report.error == "muntin-tags brings a package quart, which Quart has too."


async def test_wheel_that_is_no_plugin_is_refused(shelf: Path) -> None:
    assert (await failed(library(shelf))).error == "greetings-1.0-py3-none-any.whl holds no plugin."


async def test_what_a_plugin_needs_comes_from_a_folder_of_wheels_without_any_network(
    generations: Generations, shelf: Path, tmp_path: Path
) -> None:
    library(tmp_path)
    wheel = WheelPlan(name="tags", requires=("muntin", "greetings>=1", "quart")).write(shelf)

    alone = await failed(wheel)
    report = await install_plugin(SYSTEM, wheel, sources=Sources(find_links=(tmp_path,)))

    assert "greetings" in alone.error
    assert "--find-links" in alone.remedy
    assert report.state == "done"
    declared = read_declared(generations.folder)
    assert [(one.distribution, one.asked_for, one.plugins) for one in declared.wheels] == [
        ("greetings", False, ()), ("muntin-notes", True, ("notes",)), ("muntin-tags", True, ("tags",)),
    ]  # fmt: skip
    assert not list(generations.path(generations.current or 0).glob("quart*"))


async def test_conflict_deep_in_what_is_needed_names_both_sides(shelf: Path, tmp_path: Path) -> None:
    library(tmp_path, "deep", requires=("jinja2>=99",))
    wheel = WheelPlan(name="tags", version="1.5", requires=("deep",)).write(shelf)

    report = await failed(wheel, sources=Sources(find_links=(tmp_path,)))

    assert "deep 1.0 depends on jinja2>=99" in report.error
    assert "jinja2==3" in report.error


async def test_plugin_that_another_one_needs_is_not_uninstalled(
    panel: Panel, generations: Generations, shelf: Path
) -> None:
    needs = '[plugin]\nname = "tags"\n[plugin.requires]\nnotes = ">=2"\n'
    wheel = WheelPlan(name="tags", version="1.6", manifest=needs).write(shelf)
    await install_plugin(SYSTEM, wheel)
    activate(panel.configuration.data_dir)

    with pytest.raises(PluginRefused) as refusal:
        await uninstall_plugin(SYSTEM, "notes", data="keep")

    assert refusal.value.reason == "tags needs it: It needs the plugin notes >=2, which is not installed."
    assert [one.name for one in generations.wheels.glob("greetings*")] == []  # tags 1.6 does not need it any more


async def test_uninstalled_plugin_leaves_its_data_and_installed_again_finds_it(
    panel: Panel, generations: Generations, shelf: Path
) -> None:
    await PluginRow.update_or_create(name="notes", defaults={"version": "2.0"})
    await uninstall_plugin(SYSTEM, "tags", data="purge")
    await uninstall_plugin(SYSTEM, "notes", data="keep")
    activate(panel.configuration.data_dir)

    listed = {one.name: (one.state, one.version) for one in await list_plugins(SYSTEM)}
    await install_plugin(SYSTEM, WheelPlan(version="2.0", upto=2).write(shelf))

    assert listed["notes"] == ("uninstalled", "2.0")
    assert "tags" not in listed
    assert await tables_of("tags") == []
    assert await notes() == ["before"]


async def test_installed_plugin_is_not_purged(panel: Panel, generations: Generations) -> None:
    activate(panel.configuration.data_dir)

    with pytest.raises(PluginRefused, match="notes is installed"):
        await purge_plugin(SYSTEM, "notes")


async def test_purge_of_nothing_that_is_known_is_not_found() -> None:
    with pytest.raises(NotFound):
        await purge_plugin(SYSTEM, "never_seen")


async def test_only_who_may_install_changes_the_plugins(user: Caller, shelf: Path) -> None:
    actor = Actor(kind="account", account_id=user.account_id)

    for change in (
        install_plugin(actor, WheelPlan().write(shelf)),
        uninstall_plugin(actor, "notes", data="purge"),
        purge_plugin(actor, "notes"),
    ):
        with pytest.raises(Forbidden, match=r"admin\.plugins\.install"):
            await change
