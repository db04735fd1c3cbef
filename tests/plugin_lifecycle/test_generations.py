"""Generations: a pointer that is switched at once, one change at a time, and the declared set as a file."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from muntin.plugins.declared import Declared, DeclaredWheel, parse_declared, read_declared, write_declared
from muntin.plugins.discovery import installed_plugins
from muntin.plugins.generations import Generations, InstallUnderWay, activate
from muntin.plugins.installing.startup import build_declared
from muntin.plugins.installing.wheels import open_wheel, unpack
from muntin.plugins.manifest_file import PluginRefused

from .wheels import WheelPlan


@pytest.fixture(autouse=True)
def path_as_it_was() -> Iterator[None]:
    """What a test activates is gone afterwards."""
    before = list(sys.path)
    yield
    sys.path[:] = before


def generation(generations: Generations, plan: WheelPlan, folder: Path) -> int:
    """A generation with one plugin."""
    number = generations.new()
    unpack(open_wheel(plan.write(folder)), generations.path(number))
    return number


def test_activated_generation_stands_last_on_the_path_and_its_plugin_is_found(tmp_path: Path) -> None:
    generations = Generations(tmp_path / "data")
    with generations.locked():
        generations.switch(generation(generations, WheelPlan(), tmp_path))

    number = activate(tmp_path / "data")

    assert number == 1
    assert sys.path[-1] == str(generations.path(1))
    found = installed_plugins()["notes"]
    assert (found.version, found.origin, found.problem) == ("1.0", "generation", "")


def test_switching_replaces_what_was_active(tmp_path: Path) -> None:
    generations = Generations(tmp_path / "data")
    with generations.locked():
        for plan in (WheelPlan(), WheelPlan(version="2.0")):
            generations.switch(generation(generations, plan, tmp_path))
            activate(tmp_path / "data")

    assert installed_plugins()["notes"].version == "2.0"
    assert [one for one in sys.path if one.startswith(str(generations.folder))] == [str(generations.path(2))]


def test_nothing_is_active_where_nothing_was_installed(tmp_path: Path) -> None:
    assert activate(tmp_path / "data") is None
    assert Generations(tmp_path / "data").current is None


def test_second_change_at_the_same_time_is_refused(tmp_path: Path) -> None:
    with Generations(tmp_path).locked(), pytest.raises(InstallUnderWay), Generations(tmp_path).locked():
        pass

    with Generations(tmp_path).locked():
        assert Generations(tmp_path).is_locked
    assert not Generations(tmp_path).is_locked


def test_lock_ends_with_the_process_that_held_it(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from muntin.plugins.generations import Generations\n"
        f"with Generations(Path({str(tmp_path)!r})).locked(): print('held', flush=True); time.sleep(600)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    held = Generations(tmp_path).is_locked

    holder.kill()
    holder.wait()
    holder.stdout.close()

    assert held
    deadline = time.monotonic() + 10
    while Generations(tmp_path).is_locked:
        assert time.monotonic() < deadline


def test_new_generation_is_chosen_only_while_its_change_lives(tmp_path: Path) -> None:
    generations = Generations(tmp_path)
    with generations.locked():
        generations.switch(generations.new())
        candidate = generations.new()
        note = {"before": 1, "after": candidate, "history": None, "rolling": True}
        (generations.folder / "pending.json").write_text(json.dumps(note))
        meanwhile = generations.chosen()

    assert meanwhile == candidate
    assert generations.chosen() == 1  # broken off: its lock is gone


@pytest.mark.parametrize("note", ["", "[]", "{}", '{"after": "x"}', '{"after": 5, "rolling": "yes"}', "\x00"])
def test_broken_note_of_a_change_is_as_good_as_none(tmp_path: Path, note: str) -> None:
    generations = Generations(tmp_path)
    with generations.locked():
        generations.switch(generations.new())
        (generations.folder / "pending.json").write_text(note)

        assert generations.chosen() == 1


WHEEL = DeclaredWheel(
    distribution="muntin-notes",
    version="1.0",
    wheel="muntin_notes-1.0-py3-none-any.whl",
    sha256="0" * 64,
    plugins=("notes",),
)


def test_declared_set_is_read_as_it_was_written(tmp_path: Path) -> None:
    declared = Declared((WHEEL,))

    write_declared(tmp_path, declared)

    assert read_declared(tmp_path) == declared
    assert read_declared(tmp_path / "nowhere") == Declared()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (("format = 1", "format = 2"), "format"),
        (("muntin_notes-1.0-py3-none-any.whl", "../../etc/passwd"), "wheel.0.wheel"),
        (("muntin_notes-1.0-py3-none-any.whl", "../x-1.0-py3-none-any.whl"), "wheel.0.wheel"),
        (("0" * 64, "xyz"), "wheel.0.sha256"),
        (('["notes"]', '["../notes"]'), "wheel.0.plugins.0"),
        (('"1.0"', "1.0"), "wheel.0.version"),
        (("[[wheel]]", "[[wheel]]\nmore = 1"), "wheel.0.more"),
        (("[[wheel]]", "[[[["), "is not TOML"),
    ],
)
def test_declared_set_that_does_not_hold_is_refused_by_field(change: tuple[str, str], field: str) -> None:
    text = Declared((WHEEL,)).to_toml().replace(*change)

    with pytest.raises(PluginRefused) as refused:
        parse_declared(text)

    assert field in refused.value.reason


async def test_second_host_builds_what_is_declared_from_the_wheels_beside_it(tmp_path: Path) -> None:
    generations = Generations(tmp_path / "data")
    generations.wheels.mkdir(parents=True)
    wheel = open_wheel(WheelPlan().write(generations.wheels))
    write_declared(
        generations.folder,
        Declared((DeclaredWheel(distribution="muntin-notes", version="1.0", wheel=wheel.path.name,
                                sha256=wheel.sha256, plugins=("notes",)),)),
    )  # fmt: skip

    await build_declared(tmp_path / "data")
    first = generations.current
    await build_declared(tmp_path / "data")

    assert (first, generations.current) == (1, 1)
    assert (generations.path(1) / "muntin_notes" / "plugin.py").exists()


async def test_wheel_of_another_content_than_declared_is_not_built(tmp_path: Path) -> None:
    generations = Generations(tmp_path / "data")
    generations.wheels.mkdir(parents=True)
    WheelPlan().write(generations.wheels)
    write_declared(generations.folder, Declared((WHEEL,)))

    await build_declared(tmp_path / "data")

    assert generations.current is None
    assert generations.all() == []
