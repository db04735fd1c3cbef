"""Whose fault it was: a process that ended, a process that grew, a plugin whose tables cannot be made."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from muntin.configuration import Configuration
from muntin.panel import Panel
from muntin.plugins.breaker import OF_ONE_SOURCE, Breaker, Failure
from muntin.plugins.discovery import installed_plugins
from muntin.plugins.probing import Verdicts, probe_unknown
from muntin.supervisor import ChildPlan
from muntin.supervisor.growth import Growth
from muntin.supervisor.marker import Marker, as_mark
from muntin.supervisor.process import Process
from muntin.testing.waiting import until

from .packages import install

pytestmark = pytest.mark.timeout(200)
ENDS = """
import os, sys, time
from muntin.supervisor.marker import as_mark, marker
marker.enter(as_mark("zones"))
marker.loading(sys.argv[1] == "loading")
open(sys.argv[2], "w").close()
os._exit(7) if sys.argv[1] != "waits" else time.sleep(600)
"""


async def ended(folder: Path, how: str) -> Process:
    """A process that ended in the code of a plugin."""
    command = (sys.executable, "-c", ENDS, how, str(folder / "begun"))
    process = await Process.start("web.1", ChildPlan(name="web", command=command), socket_fd=None, notice=_ignore)
    await until((folder / "begun").exists, timeout_s=60)
    if how == "waits":
        os.kill(process.pid, signal.SIGKILL)
    await process.exited.wait()
    return process


def _ignore(_process: Process, _verb: str, _rest: str) -> None:
    """Nobody listens."""


@pytest.mark.parametrize(("how", "left_in"), [("exits", ("zones", False)), ("loading", ("zones", True))])
async def test_process_that_exits_in_a_plugin_says_in_which(
    tmp_path: Path, how: str, left_in: tuple[str, bool]
) -> None:
    process = await ended(tmp_path, how)

    assert (process.exit_code, process.ended_itself, process.left_in) == (7, True, left_in)


async def test_process_that_somebody_killed_did_not_end_itself(tmp_path: Path) -> None:
    process = await ended(tmp_path, "waits")

    assert (process.exit_code, process.ended_itself) == (-signal.SIGKILL, False)


def test_growth_is_put_down_to_the_plugin_that_ran_meanwhile() -> None:
    growth, marker = Growth(limit_mib=1), Marker()
    marker.leave(marker.enter(as_mark("zones")))
    held = b"x" * (64 * 1024 * 1024)
    growth.look(None, marker)

    told = growth.report(is_stalled=False)

    assert len(held) == 64 * 1024 * 1024
    assert growth.is_over
    assert (told["plugin"], told["limit_mib"]) == ("zones", 1)


def test_growth_of_the_panel_itself_is_nobodys_fault() -> None:
    growth, marker = Growth(limit_mib=1), Marker()
    held = b"x" * (64 * 1024 * 1024)
    growth.look(None, marker)

    assert len(held) == 64 * 1024 * 1024
    assert growth.to_blame is None


async def test_plugin_that_failed_its_probe_is_not_imported_until_it_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "plugins", "halts", {"import": "os._exit"})
    monkeypatch.syspath_prepend(str(tmp_path / "plugins"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "plugins"))
    configuration = Configuration(data_dir=tmp_path / "data", secret_key="k" * 32, plugins=("halts",))

    [report] = await probe_unknown(configuration, deadline_s=90)
    again = await probe_unknown(configuration, deadline_s=90)
    panel = Panel(configuration, process="command")

    assert (report.ok, report.step) == (False, "import")
    assert again == []
    assert [(one.plugin, one.reason) for one in panel.registry.failed] == [
        ("halts", "It ended the process with exit code 7.")
    ]
    verdicts = Verdicts(configuration.data_dir)
    assert verdicts.forget("halts")
    assert verdicts.of(installed_plugins()["halts"]) is None


class Taken:
    """What a breaker took out."""

    def __init__(self) -> None:
        self.plugins: list[str] = []

    async def __call__(self, plugin: str, reason: str, *, loading: bool = False) -> bool:
        """See `TakeOut`."""
        self.plugins.append(plugin)
        return True


async def test_several_accounts_trip_the_breaker_unless_more_are_served(tmp_path: Path) -> None:
    from muntin.bus.local import LocalBus
    from muntin.tasks import PluginTasks

    taken, tasks = Taken(), PluginTasks()
    breaker = Breaker(taken, lambda work, name: tasks.start("core", work, name=name))
    breaker.open(LocalBus())
    for plugin, served in (("popular", 9), ("broken", 1)):
        for number in range(served):
            breaker.succeeded(plugin, f"happy {number}")
        for number in range(4 * OF_ONE_SOURCE):
            breaker.failed(Failure(plugin=plugin, contribution="route", error="KeyError", source=f"{number % 4}"))
    await until(lambda: taken.plugins != [])
    await tasks.close()
    breaker.close()

    assert taken.plugins == ["broken"]
