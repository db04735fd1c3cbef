"""The two halves of a plugin, on a real agent and a real panel: one whose version does not fit is refused by both."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from muntin.testing.free_ports import free_port
from muntin.testing.served import ServedPanel, served_panel
from muntin.testing.waiting import until

PANEL_HALF = """
from muntin.access import Actor, guarded
from muntin.contributions import NodeHalfNeeded
from muntin.nodes.client import call_node
from muntin.nodes.models import NodeRow
from muntin.plugins import hookimpl
from muntin.routing import Routes

routes = Routes(dialect="native", prefix="/api/v1/notes")


@guarded("admin.nodes.list")
async def ask(actor: Actor, name: str) -> dict[str, str]:
    return await call_node(await NodeRow.get(name=name), "GET", "/api/notes")


@routes.get("/<string:name>", service=ask)
async def show(actor: Actor, name: str) -> dict[str, str]:
    return await ask(actor, name)


@hookimpl
def muntin_routes():
    return list(routes)


@hookimpl
def muntin_node_halves():
    yield NodeHalfNeeded(name="notes", capabilities=("Keeps notes on the machine.",), paths=("/api/notes",))
"""
NODE_HALF = """
from importlib.metadata import version

from quart import Blueprint

from muntin_node.contributions import NodeHalf, RunningHalf
from muntin_node.hookspecs import hookimpl


async def start(context):
    return RunningHalf()


def routes():
    blueprint = Blueprint("notes", __name__)

    @blueprint.get("/api/notes")
    async def show():
        return {"says": "hello"}

    return (blueprint,)


@hookimpl
def muntin_node_half():
    return NodeHalf(name="notes", version=version("muntin-notes"), start=start, routes=routes)
"""


def install(folder: Path, version: str, group: str, code: str) -> Path:
    """A distribution in a folder, as pip would leave it."""
    information = folder / f"muntin_notes-{version}.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: muntin-notes\nVersion: {version}\n")
    (information / "entry_points.txt").write_text(f"[{group}]\nnotes = notes_half\n")
    (folder / "notes_half.py").write_text(code)
    return folder


@pytest.fixture(scope="module")
async def panel(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServedPanel]:
    """A served panel that has version 1.4.2 of the plugin."""
    site = install(tmp_path_factory.mktemp("panel-site"), "1.4.2", "muntin.plugins", PANEL_HALF)
    environment = {"PYTHONPATH": str(site), "MUNTIN_PLUGINS": "notes"}
    async with served_panel(tmp_path_factory.mktemp("panel"), environment) as served:
        yield served


@asynccontextmanager
async def agent(panel: ServedPanel, folder: Path, version: str) -> AsyncIterator[tuple[dict[str, Any], str]]:
    """A real agent with a version of the node half; the node and its token."""
    port = free_port()
    body = {
        "name": f"node-{version}",
        "fqdn": "127.0.0.1",
        "scheme": "http",
        "daemon_port": port,
        "memory": 1,
        "disk": 1,
    }
    node = (await panel.client.post("/api/v1/admin/nodes", json=body)).raise_for_status().json()["data"]
    wanted = {
        "uuid": node["id"], "token_id": node["daemon_token_id"], "token": node["daemon_token"], "remote": panel.url,
        "api": {"host": "127.0.0.1", "port": port},
        "system": {
            "root_directory": str(folder), "data": str(folder / "volumes"), "log_directory": str(folder / "logs"),
            "archive_directory": str(folder / "archives"), "backup_directory": str(folder / "backups"),
            "tmp_directory": str(folder / "tmp"),
        },
        "muntin": {"halves": ["notes"]},
    }  # fmt: skip
    (folder / "config.yml").write_text(yaml.safe_dump(wanted))
    site = install(folder / "site", version, "muntin.node", NODE_HALF)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "muntin_node.cli", "run", "--config", str(folder / "config.yml"),
        env={**os.environ, "PYTHONPATH": str(site)}, stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield node, node["daemon_token"]
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()


async def reported(panel: ServedPanel, node: dict[str, Any]) -> dict[str, Any]:
    """What the panel says of the half, once the node has reported and heard from the panel."""
    found: list[dict[str, Any]] = []

    async def is_there() -> bool:
        answer = await panel.client.get(f"/api/v1/admin/nodes/{node['id']}/halves")
        found[:] = [one for one in answer.json()["data"] if one["name"] == "notes"]
        return bool(found) and found[0]["version"] != ""

    await until(is_there, timeout_s=60)
    return found[0]


async def asked(node: dict[str, Any], token: str) -> tuple[int, dict[str, Any]]:
    """The node's own answer, without the panel between."""
    async with httpx.AsyncClient(trust_env=False) as client:
        headers = {"Authorization": f"Bearer {token}"}
        answer = await client.get(f"http://127.0.0.1:{node['daemon_port']}/api/notes", headers=headers)
    return answer.status_code, answer.json()


async def test_half_of_the_same_series_runs_and_is_shown_with_what_it_does(panel: ServedPanel, tmp_path: Path) -> None:
    async with agent(panel, tmp_path, "1.4.0") as (node, token):
        half = await reported(panel, node)
        through_panel = await panel.client.get("/api/v1/notes/node-1.4.0")
        status, body = await asked(node, token)

    assert half == {
        "node": "node-1.4.0",
        "plugin": "notes",
        "name": "notes",
        "wanted": "1.4.2",
        "version": "1.4.0",
        "state": "runs",
        "error": "",
        "capabilities": ["Keeps notes on the machine."],
    }
    assert (through_panel.status_code, through_panel.json()["data"]) == (200, {"says": "hello"})
    assert (status, body) == (200, {"says": "hello"})


async def test_half_of_another_series_is_refused_by_panel_and_node_and_told_everywhere(
    panel: ServedPanel, tmp_path: Path
) -> None:
    sentence = "notes is 1.5.0 on the node node-1.5.0 and 1.4.2 on the panel."
    async with agent(panel, tmp_path, "1.5.0") as (node, token):
        half = await reported(panel, node)

        async def is_closed() -> bool:
            return (await asked(node, token))[0] == 409

        await until(is_closed, timeout_s=60)
        _status, body = await asked(node, token)
        refused = await panel.client.get("/api/v1/notes/node-1.5.0")
        async with panel.browser() as browser:
            page = await browser.get(f"/admin/nodes/{node['id']}")
            plugin = await browser.get("/admin/plugins/notes")
        doctor = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "muntin.cli", "doctor", env={**os.environ, **panel.environment},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        said, _nothing = await doctor.communicate()

    assert half["state"] == "mismatch"
    assert body["error"] == "notes is 1.5.0 here and 1.4.2 on the panel"
    assert (refused.status_code, refused.json()["error"]["code"]) == (502, "node_half_mismatch")
    assert refused.json()["error"]["message"] == sentence
    assert "Version does not fit" in page.text and "Keeps notes on the machine." in page.text
    assert "node-1.5.0" in plugin.text and "Version does not fit" in plugin.text
    assert f"PROBLEM plugins on nodes: {sentence}" in said.decode()
