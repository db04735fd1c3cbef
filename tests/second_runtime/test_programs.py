"""A stranger's kind of workload in a real panel: its own node half, page, console and permission, no Docker."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from muntin.testing.served import ServedPanel, served_panel

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
ECHO = ["/bin/sh", "-c", "echo ready; while read line; do echo heard $line; done"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plugin as a wheel, installed into a folder of its own, as a stranger's would be."""
    wheels, folder = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(wheels), str(HERE)], check=True, timeout=100
    )
    wheel = next(wheels.glob("*.whl"))
    subprocess.run([*pip, "install", "--no-deps", "--target", str(folder), str(wheel)], check=True, timeout=100)
    return folder


@pytest.fixture(scope="module")
async def panel(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServedPanel]:
    """A served panel with a local agent; of plugins only this one."""
    environment = {"PYTHONPATH": str(installed), "MUNTIN_PLUGINS": "programs", "MUNTIN_LOCAL_NODE": "always"}
    async with served_panel(tmp_path_factory.mktemp("data"), environment) as served:
        yield served


@pytest.fixture(scope="module")
async def node_id(panel: ServedPanel) -> str:
    """The local node, once it reports."""
    async with asyncio.timeout(60):
        while True:
            nodes = (await panel.client.get("/api/v1/admin/nodes")).json()["data"]
            if nodes and nodes[0]["status"] == "online":
                return str(nodes[0]["id"])
            await asyncio.sleep(0.2)


async def test_program_is_created_started_watched_and_stopped(panel: ServedPanel, node_id: str) -> None:
    made = await panel.client.post("/api/v1/programs", json={"name": "echo", "argv": ECHO, "node_id": node_id})
    program = made.json()["data"]
    await _powered(panel, program["id"], "start")

    headers = {"Authorization": panel.client.headers["Authorization"]}
    address = panel.url.replace("http", "ws") + f"/api/v1/programs/{program['id']}/console"
    async with connect(address, additional_headers=headers, proxy=None) as socket:
        first = await asyncio.wait_for(socket.recv(), 30)
    running = await _state(panel, program["id"], "running")
    stopped = await panel.client.post(f"/api/v1/programs/{program['id']}/power", json={"action": "stop"})
    offline = await _state(panel, program["id"], "offline")

    assert made.status_code == 201
    assert first == "ready"
    assert running == {**program, "state": "running"}
    assert stopped.status_code == 200
    assert offline == {**program, "state": "offline"}


async def test_page_and_menu_show_the_plugin(panel: ServedPanel) -> None:
    async with panel.browser() as browser:
        page = await browser.get("/programs")

    assert page.status_code == 200
    assert "Programs" in page.text
    assert 'href="/programs"' in page.text


async def test_disabled_plugin_is_gone_and_comes_back(panel: ServedPanel) -> None:
    _switch(panel, "disable")
    gone = await _until(panel, "/api/v1/programs", 404)

    _switch(panel, "enable")
    back = await _until(panel, "/api/v1/programs", 200)

    assert gone.status_code == 404
    assert [one["name"] for one in back.json()["data"]] == ["echo"]


def test_nobody_else_knows_its_name() -> None:
    folders = [REPOSITORY / "core", REPOSITORY / "nodes" / "muntin_node", REPOSITORY / "plugins"]
    files = [file for folder in folders for file in folder.rglob("*.py") if "node_modules" not in file.parts]

    knowing = [str(file) for file in files if "muntin_programs" in file.read_text()]

    assert files
    assert knowing == []


async def _powered(panel: ServedPanel, program_id: str, action: str) -> None:
    """Order it until the job has placed the program on its node."""
    async with asyncio.timeout(60):
        while True:
            answer = await panel.client.post(f"/api/v1/programs/{program_id}/power", json={"action": action})
            if answer.status_code == 200:
                return
            await asyncio.sleep(0.1)


async def _state(panel: ServedPanel, program_id: str, wanted: str) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            program: dict[str, Any] = (await panel.client.get(f"/api/v1/programs/{program_id}")).json()["data"]
            if program["state"] == wanted:
                return program
            await asyncio.sleep(0.05)


async def _until(panel: ServedPanel, path: str, status: int) -> httpx.Response:
    async with asyncio.timeout(60):
        while True:
            answer = await panel.client.get(path)
            if answer.status_code == status:
                return answer
            await asyncio.sleep(0.02)


def _switch(panel: ServedPanel, verb: str) -> None:
    command = [sys.executable, "-m", "muntin.cli", "plugin", verb, "programs"]
    subprocess.run(command, check=True, timeout=60, env={**os.environ, **panel.environment}, stdout=subprocess.DEVNULL)
