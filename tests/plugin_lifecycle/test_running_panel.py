"""The whole life of a stranger's plugin in a running panel: two web processes and a worker, from a wheel to nothing."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import zipfile
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from muntin.testing.forks import Forks

from ..end_to_end.clients import Api
from ..end_to_end.programs import Program, until
from .remains import left_of, runs_without_a_job
from .wheels import WheelPlan

pytestmark = pytest.mark.timeout(600)
PATH = "/api/v1/notes"
BROKEN = "raise RuntimeError('broken {name} {version}')"


@pytest.fixture(scope="module")
async def program(tmp_path_factory: pytest.TempPathFactory, forks: Forks) -> AsyncIterator[Program]:
    """A running panel that may load one plugin, which is not there yet."""
    variables = {"MUNTIN_PLUGINS": "notes", "MUNTIN_WEB_PROCESSES": "2"}
    running = Program(tmp_path_factory.mktemp("lifecycle"), variables, forks=forks)
    try:
        await running.start()
        yield running
    finally:
        await running.stop()


async def refused(program: Program, *arguments: str) -> str:
    """What a command says that fails."""
    with pytest.raises(AssertionError) as failure:
        await program.command(*arguments)
    return str(failure.value)


def kept(program: Program, sql: str) -> list[tuple[Any, ...]]:
    """What the store holds."""
    with closing(sqlite3.connect(f"file:{program.folder / 'muntin.sqlite3'}?mode=ro", uri=True)) as database:
        return database.execute(sql).fetchall()


async def test_plugin_lives_from_its_wheel_to_nothing_without_a_restart(program: Program, tmp_path: Path) -> None:
    first, second = (WheelPlan(version="1.0"), WheelPlan(version="2.0", upto=2))
    broken, failing = (WheelPlan(version="2.1", upto=2, plugin=BROKEN), WheelPlan(version="3.0", upto=3))
    wheels = {plan.version: str(plan.write(tmp_path)) for plan in (first, second, broken, failing)}
    async with await Api.sign_in(program.url) as api:
        before = await api.refused("GET", "/notes")
        await program.command("plugin", "install", wheels["1.0"])
        installed = await api.post("/notes")
        await program.command("plugin", "upgrade", wheels["2.0"])
        upgraded = await api.post("/notes")
        await _use(api)
        not_loaded = await refused(program, "plugin", "upgrade", wheels["2.1"])
        not_migrated = await refused(program, "plugin", "upgrade", wheels["3.0"])
        put_back = await api.get("/notes")
        await api.renew()
        await program.command("plugin", "disable", "notes")
        disabled = await until(lambda: _refused(api), what="the disabled plugin's 404")
        await program.command("plugin", "uninstall", "notes", "--keep")
        uninstalled = json.loads(await program.command("plugin", "list", "--json"))
        await program.command("plugin", "install", wheels["2.0"])
        found_again = await api.get("/notes")
        exported = tmp_path / "notes.zip"
        await program.command("plugin", "uninstall", "notes", "--export", str(exported))

    assert before == (404, "not_found")
    assert installed == {"version": "1.0", "notes": ["written by 1.0"]}
    assert upgraded == {"version": "2.0", "notes": ["written by 1.0", "written by 2.0"]}
    assert "broken notes 2.1" in not_loaded
    assert "“Migrate”" in not_migrated
    assert "notes.0003_failing" in not_migrated
    assert put_back == upgraded
    assert disabled == (404, "not_found")
    assert [(one["name"], one["version"], one["state"]) for one in uninstalled if one["name"] == "notes"] == [
        ("notes", "2.0", "uninstalled")
    ]
    assert found_again == upgraded
    with zipfile.ZipFile(exported) as archive:
        rows = json.loads(archive.read("tables/notes_note.json"))["rows"]
    assert [(row["text"], row["colour"]) for row in rows] == [("written by 1.0", "white"), ("written by 2.0", "white")]
    assert left_of("notes", program.folder) == {"core_audit": 2}  # who purged it, and what a key was made for
    told = "SELECT event, subject_type FROM core_audit WHERE properties LIKE '%notes%' ORDER BY event"
    assert kept(program, told) == [("api_key.created", "api_key"), ("plugin.purged", "panel")]
    assert runs_without_a_job(program.folder) == 0


async def _use(api: Api) -> None:
    """Leave something of the plugin in every place of the core where a user of it can."""
    await api.put("/admin/settings", {"notes": {"greeting": "good day", "token": "a secret"}})
    await api.post("/account/api-keys", {"description": "for a program", "permissions": ["notes.write"]})

    async def done() -> list[str]:
        jobs = await api.get("/admin/jobs?plugin=notes&per_page=100")
        return [job["id"] for job in jobs if job["state"] == "done"]

    finished = await until(done, what="a job of the plugin")
    await api.delete(f"/admin/jobs/{finished[0]}")  # its run stays in the journal, its audit entry names the job


async def _refused(api: Api) -> tuple[int, str] | None:
    response = await api.ask("GET", "/notes")
    return (response.status_code, response.json()["error"]["code"]) if response.status_code == 404 else None


async def test_install_that_is_killed_leaves_the_old_generation_working_and_the_next_command_cleans_up(
    program: Program, tmp_path: Path
) -> None:
    first, second = (WheelPlan(version="1.0").write(tmp_path), WheelPlan(version="2.0", upto=2).write(tmp_path))
    async with await Api.sign_in(program.url) as api:
        await program.command("plugin", "install", str(first))
        written = await api.post("/notes")
        await _killed_while(program, "rolling", "plugin", "upgrade", str(second))
        answered = await until(lambda: _version(api), timeout_s=60, what="an answer after the kill")
        left = sorted(one.name for one in (program.folder / "plugins").iterdir() if one.name.isdecimal())
        pointer = (program.folder / "plugins" / "current").readlink().name
        said = await program.command("plugin", "upgrade", str(second))
        upgraded = await api.get("/notes")
        await program.command("plugin", "uninstall", "notes", "--purge")

    assert written["version"] == "1.0"
    assert answered in ("1.0", "2.0")  # processes that were new already go on
    assert pointer == left[0]
    assert len(left) == 2
    assert "Put back what was broken off" in said
    assert upgraded == {"version": "2.0", "notes": ["written by 1.0"]}
    assert left_of("notes", program.folder) == {"core_audit": 3}


async def _version(api: Api) -> str:
    try:
        return str((await api.get("/notes"))["version"])
    except (AssertionError, httpx.TransportError):
        return ""


async def _killed_while(program: Program, phase: str, *arguments: str) -> None:
    """Run a command and kill it (-9) as soon as its note of what goes on says that it is that far."""
    import sys

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "muntin.cli", *arguments, cwd=program.folder, env=program.environment,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip

    def is_so_far() -> bool:
        assert process.returncode is None, "it ended before it could be killed"
        try:
            return bool(json.loads((program.folder / "plugins" / "pending.json").read_text())[phase])
        except (OSError, ValueError):
            return False

    await until(is_so_far, timeout_s=90, every_s=0.01, what=phase)
    process.kill()
    await process.wait()


async def test_two_changes_at_once_are_refused(program: Program, tmp_path: Path) -> None:
    wheel = WheelPlan(version="1.0").write(tmp_path)
    (program.folder / "plugins").mkdir(exist_ok=True)
    import fcntl

    with (program.folder / "plugins" / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = await refused(program, "plugin", "install", str(wheel))

    assert "Another change of the plugins is under way" in said
