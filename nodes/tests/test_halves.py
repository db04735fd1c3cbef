from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from quart import Blueprint

from muntin_node import halves as halves_module
from muntin_node.context import NodeContext
from muntin_node.contributions import NodeHalf, RunningHalf
from muntin_node.halves import Halves, discover

Eventually = Callable[[Callable[[], bool]], Awaitable[None]]


def blueprint_of(name: str) -> tuple[Blueprint, ...]:
    blueprint = Blueprint(name, __name__)

    @blueprint.get(f"/{name}")
    async def answer() -> dict[str, str]:
        return {"half": name}

    return (blueprint,)


def half(name: str, log: list[str], *, failing: str = "", **more: Any) -> NodeHalf:
    """A half that notes what is asked of it, and fails where it is told to."""

    def step(what: str) -> None:
        log.append(f"{name} {what}")
        if what == failing:
            raise RuntimeError(f"{what} broke")

    async def start(context: NodeContext) -> RunningHalf:
        step("start")
        assert context.data_dir.is_dir()

        async def ready() -> None:
            step("ready")

        async def close() -> None:
            step("close")

        def health() -> Mapping[str, object]:
            step("health")
            return {"servers": 2}

        async def configure(config: object) -> None:
            step("configure")

        return RunningHalf(ready=ready, close=close, health=health, configure=configure, **more)

    def routes() -> tuple[Blueprint, ...]:
        if failing == "routes":
            raise RuntimeError("routes broke")
        return blueprint_of(name)

    return NodeHalf(name=name, version="1.2", start=start, routes=routes)


async def test_a_half_lives_from_boot_to_end_in_order(start_agent: Callable[..., Any], eventually: Eventually) -> None:
    log: list[str] = []
    async with start_agent([half("one", log)]) as agent:
        started_before_listening = log[:1]
        await eventually(lambda: "one ready" in log)
        answer = await agent.call("GET", "/one")

    assert answer.json() == {"half": "one"}
    assert started_before_listening == ["one start"]
    assert log == ["one start", "one ready", "one close"]


async def test_a_half_that_does_not_start_is_left_out_and_reported(
    start_agent: Callable[..., Any], panel: Any, caplog: pytest.LogCaptureFixture
) -> None:
    log: list[str] = []
    async with start_agent([half("bad", log, failing="start"), half("good", log)], remote=panel.url) as agent:
        answers = [(await agent.call("GET", path)).status_code for path in ("/bad", "/good")]
        frame = await asyncio.wait_for(panel.frames.get(), 30)

    assert answers == [404, 200]
    assert frame["data"]["halves"] == [
        {"name": "bad", "version": "1.2", "error": "did not start and is left out: RuntimeError: start broke"},
        {"name": "good", "version": "1.2"},
    ]
    assert "the node half bad did not start" in caplog.text


@pytest.mark.parametrize("failing", ["ready", "close", "health", "configure", "routes"])
async def test_a_half_that_fails_costs_only_itself(
    start_agent: Callable[..., Any], eventually: Eventually, failing: str, tmp_path: Path
) -> None:
    log: list[str] = []
    async with start_agent([half("bad", log, failing=failing), half("good", log)]) as agent:
        await eventually(lambda: "good ready" in log)
        await agent.call("POST", "/api/update", json={"debug": False})
        good = await agent.call("GET", "/good")
        described, reports = agent.agent.halves.health()

    assert good.status_code == 200
    assert "good close" in log
    assert reports["good"] == {"servers": 2}
    assert (failing in described[0].get("error", "")) is (failing != "close")


async def test_health_has_the_shape_the_panel_reads(start_agent: Callable[..., Any], panel: Any) -> None:
    async with start_agent([half("one", [])], remote=panel.url, interval_s=0.05) as agent:
        first = (await asyncio.wait_for(panel.frames.get(), 30))["data"]
        second = (await asyncio.wait_for(panel.frames.get(), 30))["data"]
        boot_id = agent.agent.boot_id

    assert sorted(first) == ["boot_id", "capacity", "halves", "reports", "used", "version"]
    assert (first["boot_id"], second["boot_id"], first["version"]) == (boot_id, boot_id, "0.1.0")
    assert sorted(first["capacity"]) == ["cpu_count", "disk_bytes", "memory_bytes"]
    assert sorted(first["used"]) == ["cpu_percent", "disk_bytes", "load", "memory_bytes", "net", "uptime_s"]
    assert (len(first["used"]["load"]), sorted(first["used"]["net"])) == (3, ["rx_bytes", "tx_bytes"])
    assert first["reports"] == {"one": {"servers": 2}}


async def test_a_task_runs_until_the_end_and_comes_back_when_it_fails(
    start_agent: Callable[..., Any], eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(halves_module, "TASK_RESTART_S", 0.01)
    runs: list[str] = []

    async def task() -> None:
        runs.append("run")
        if len(runs) < 3:
            raise RuntimeError("task broke")
        try:
            await asyncio.sleep(60)
        finally:
            runs.append("ended")

    async with start_agent([half("one", [], tasks=(task,))]) as agent:
        await eventually(lambda: len(runs) == 3)
        error = agent.agent.halves.health()[0][0]["error"]

    assert runs == ["run"] * 3 + ["ended"]
    assert error == "has a task that failed: RuntimeError: task broke"


async def test_a_half_may_add_to_the_nodes_facts_and_failing_answers_500(start_agent: Callable[..., Any]) -> None:
    async def docker() -> Mapping[str, object]:
        return {"docker": {"version": "27"}}

    async def away() -> Mapping[str, object]:
        raise ConnectionError("docker is away")

    async with start_agent([half("one", [], system=docker)]) as agent:
        assert (await agent.call("GET", "/api/system?v=2")).json()["docker"] == {"version": "27"}
    async with start_agent([half("one", [], system=away)]) as agent:
        assert (await agent.call("GET", "/api/system?v=2")).status_code == 500
        assert (await agent.call("GET", "/api/system")).status_code == 200


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three distributions on the path: one good, one that breaks at import, one that returns junk."""
    modules = {
        "goodhalf": "from muntin_node.hookspecs import hookimpl\nfrom muntin_node.contributions import NodeHalf\n"
        "@hookimpl\ndef muntin_node_half():\n    return NodeHalf(name='goodhalf', version='1', start=None)\n",
        "badhalf": "raise ImportError('no docker here')\n",
        "junkhalf": "from muntin_node.hookspecs import hookimpl\n@hookimpl\ndef muntin_node_half():\n    return 5\n",
    }
    for name, code in modules.items():
        (tmp_path / f"{name}.py").write_text(code)
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[muntin.node]\n{name} = {name}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    return tmp_path


def test_installed_halves_are_found_and_broken_ones_named(installed: Path) -> None:
    halves, errors = discover(["goodhalf", "badhalf", "junkhalf", "nowhere"])

    assert [item.name for item in halves] == ["goodhalf"]
    assert errors == {
        "badhalf": "ImportError: no docker here",
        "junkhalf": "TypeError: muntin_node_half returned int, not NodeHalf",
        "nowhere": "not installed",
    }
    assert [item["name"] for item in Halves(halves, errors).health()[0]] == [
        "goodhalf",
        "badhalf",
        "junkhalf",
        "nowhere",
    ]


def test_the_agent_imports_neither_the_panel_nor_its_database() -> None:
    import subprocess

    code = (
        "import sys, pkgutil, importlib, muntin_node\n"
        "for m in pkgutil.iter_modules(muntin_node.__path__):\n"
        "    if m.name not in ('__main__', 'launch'): importlib.import_module('muntin_node.' + m.name)\n"
        "print([n for n in ('muntin', 'tortoise', 'rich', 'jinja2.ext', 'psutil') if n in sys.modules])"
    )

    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert output == "[]\n"
