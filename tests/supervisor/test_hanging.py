"""Processes that a plugin holds up: seen, replaced, and no longer in anybody's way, in seconds."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from muntin.bus import Json
from muntin.supervisor import ChildPlan, Plan

from .conftest import Running, Starter, python, until

WITHIN_S = 9.0
"""Five seconds are promised of a machine with nothing else to do; less than any of the long patiences (10, 15 s)."""
COMPUTES_WITHIN_S = 25.0
"""What computes is told from what waits for a core by how much it computed, which takes time where cores are few."""
SLEEPS = "time.sleep(600)"
KEEPS_THE_INTERPRETER = 're.match("(a+)+$", "a" * 64 + "b")'
HANGING = """
import asyncio, fcntl, json, signal, sys, types
from pathlib import Path
from muntin.supervisor.child import Supervised
from muntin.supervisor.marker import as_mark, marker
from muntin.supervisor.watchdog import Watchdog

def plugin_of(module):
    return module.split(".")[0].removeprefix("muntin_") if module.startswith("muntin_") else None

def work_of(plugin, text):
    module = types.ModuleType(f"muntin_{plugin}.work")
    exec(f"import re, time\\ndef work(): {text}", module.__dict__)
    return module.work

async def main():
    supervised = Supervised.attach()
    Watchdog(supervised, plugin_of).open()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    supervised.ready()
    await asyncio.sleep(0.1)
    folder = Path(sys.argv[1])
    for plugin, text in json.loads(sys.argv[2]).items():
        if not (folder / plugin).exists():
            store = (folder / "store").open("w")
            fcntl.flock(store, fcntl.LOCK_EX)
            (folder / plugin).touch()
            marker.enter(as_mark(plugin))
            work_of(plugin, text)()
    await stop.wait()

asyncio.run(main())
"""
QUARANTINING = """
import fcntl, sys
from pathlib import Path
folder = Path(sys.argv[1])
with (folder / "store").open("w") as store:
    fcntl.flock(store, fcntl.LOCK_EX)
    (folder / f"{sys.argv[2]} is out").write_text(sys.argv[4])
"""


def plan(folder: Path, works: Mapping[str, str]) -> Plan:
    """A process in which each of these plugins does its work, one per life; each holds the store meanwhile."""
    command = python(HANGING, str(folder), json.dumps(works))
    return Plan(children=(ChildPlan(name="web", command=command),), quarantine=python(QUARANTINING, str(folder)))


def is_well(panel: Running, lives: int) -> bool:
    """Whether so many processes were ready, and all of them but the last are gone."""
    events = panel.events("web.1")
    return events.count("ready") + 1 >= lives and events.count("died") + events.count("stopped") >= lives - 1


async def test_second_plugin_is_blamed_at_once_while_what_the_first_held_up_still_has_its_time_to_drain(
    supervise: Starter, tmp_path: Path
) -> None:
    blamed: dict[str, float] = {}
    panel = await supervise(plan(tmp_path, {"first": SLEEPS, "second": SLEEPS}))

    def take_out(_topic: str, data: Json) -> None:
        assert isinstance(data, dict)
        plugin = str(data["plugin"])
        blamed[plugin] = time.time() - (tmp_path / plugin).stat().st_mtime
        panel.bus.publish("plugins.quarantined", {"plugin": plugin})

    panel.bus.subscribe("supervisor.blamed", take_out)
    await until(lambda: len(blamed) == 2 and is_well(panel, 3))

    assert blamed.keys() == {"first", "second"}
    assert max(blamed.values()) < WITHIN_S
    assert [name for name in blamed if (tmp_path / f"{name} is out").exists()] == []


@pytest.mark.parametrize(
    ("work", "within_s"),
    [(SLEEPS, WITHIN_S), (KEEPS_THE_INTERPRETER, COMPUTES_WITHIN_S)],
    ids=["sleeps", "keeps the interpreter"],
)
async def test_process_that_hangs_with_the_lock_of_the_store_is_ended_so_that_its_plugin_can_be_taken_out(
    supervise: Starter, tmp_path: Path, work: str, within_s: float
) -> None:
    panel = await supervise(plan(tmp_path, {"greedy": work}))

    out = tmp_path / "greedy is out"
    await until(lambda: out.exists() and out.read_text())
    took_s = out.stat().st_mtime - (tmp_path / "greedy").stat().st_mtime
    await until(lambda: is_well(panel, 2))

    assert "web.1" in out.read_text()
    assert took_s < within_s
