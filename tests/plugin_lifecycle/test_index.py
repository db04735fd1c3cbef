"""Plugins from a package index, by name or for what a wheel needs, and a second machine made what the first one is."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from muntin.access import Actor
from muntin.plugins.declared import read_declared
from muntin.plugins.generations import Generations
from muntin.plugins.installing.report import ChangeFailed
from muntin.plugins.installing.service import install_plugin, sync_plugins, uninstall_plugin
from muntin.plugins.installing.sources import Sources
from muntin.plugins.tables_of import tables_of

from .index import Index, serving
from .wheels import WheelPlan, library

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("panel"),
    pytest.mark.parametrize("store_server", ["sqlite"], indirect=True, scope="session"),  # it is not about the store
]
SYSTEM = Actor.system()
NEEDY = WheelPlan(name="tags", requires=("muntin", "greetings>=1"))


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """An index with a plugin and a library that it needs."""
    folder = tmp_path_factory.mktemp("index")
    NEEDY.write(folder)
    library(folder)
    with serving(folder) as served:
        yield served


@pytest.fixture(autouse=True)
def only_this_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever pip is configured for on this machine is left out."""
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_CONSTRAINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


async def test_index_is_not_asked_unless_the_operator_says_so(index: Index, tmp_path: Path) -> None:
    with pytest.raises(ChangeFailed) as failure:
        await install_plugin(SYSTEM, NEEDY.write(tmp_path), sources=Sources(index=index.url))

    assert "greetings" in failure.value.report.error
    assert index.asked == []


async def test_file_that_is_not_what_the_index_promises_is_refused(index: Index, generations: Generations) -> None:
    index.promised["greetings-1.0-py3-none-any.whl"] = "0" * 64
    with pytest.raises(ChangeFailed) as failure:
        await install_plugin(SYSTEM, "muntin-tags", sources=Sources(index=index.url, online=True))
    index.promised.clear()

    step = failure.value.report.failed_step
    assert step is not None
    assert step.title == "Look and resolve"
    assert "HASH" in step.text.upper()
    assert generations.current is None


async def test_plugin_comes_from_an_index_by_its_name_with_what_it_needs(
    index: Index, generations: Generations
) -> None:
    report = await install_plugin(SYSTEM, "muntin-tags>=1", sources=Sources(index=index.url, online=True))

    assert (report.state, report.target) == ("done", "tags")
    assert [(one.distribution, one.asked_for) for one in read_declared(generations.folder).wheels] == [
        ("greetings", False), ("muntin-tags", True),
    ]  # fmt: skip
    assert {"/simple/muntin-tags/", "/simple/greetings/"} <= set(index.asked)
    assert not [path for path in index.asked if "quart" in path or path == "/simple/muntin/"]  # the panel has those


async def test_declared_set_is_made_anew_where_nothing_but_its_file_is_left(
    index: Index, generations: Generations
) -> None:
    _lose_everything_but_what_is_declared(generations)

    report = await sync_plugins(SYSTEM, sources=Sources(index=index.url, online=True))
    again = await sync_plugins(SYSTEM, sources=Sources(index=index.url, online=True))

    assert [one.title for one in report.steps][:2] == ["Gather the wheels", "Unpack"]
    assert (report.state, again.state, again.steps) == ("done", "done", [])
    assert sorted(one.name for one in generations.wheels.iterdir()) == [
        "greetings-1.0-py3-none-any.whl", "muntin_tags-1.0-py3-none-any.whl",
    ]  # fmt: skip
    assert await tables_of("tags") == ["tags_note"]


async def test_wheel_that_is_another_one_than_was_declared_is_not_taken(index: Index, generations: Generations) -> None:
    _lose_everything_but_what_is_declared(generations)
    WheelPlan(name="tags", requires=NEEDY.requires, files={"muntin_tags/more.py": "MORE = 1\n"}).write(index.folder)

    with pytest.raises(ChangeFailed) as failure:
        await sync_plugins(SYSTEM, sources=Sources(index=index.url, online=True))

    NEEDY.write(index.folder)
    assert failure.value.report.failed_step is not None
    assert failure.value.report.failed_step.title == "Gather the wheels"
    assert generations.current is None


async def test_what_a_wheel_needs_comes_from_the_index_when_the_operator_says_so(
    index: Index, generations: Generations, tmp_path: Path
) -> None:
    await sync_plugins(SYSTEM, sources=Sources(index=index.url, online=True))
    await uninstall_plugin(SYSTEM, "tags", data="keep")
    wheel = NEEDY.write(tmp_path)

    report = await install_plugin(SYSTEM, wheel, sources=Sources(index=index.url, online=True))

    assert report.state == "done"
    assert [one.distribution for one in read_declared(generations.folder).wheels] == ["greetings", "muntin-tags"]


def _lose_everything_but_what_is_declared(generations: Generations) -> None:
    """As on a second machine, or in a container that was made anew."""
    (generations.folder / "current").unlink(missing_ok=True)
    for number in generations.all():
        shutil.rmtree(generations.path(number))
    shutil.rmtree(generations.wheels)
