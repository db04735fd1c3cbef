"""The agent as its operator meets it: a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
import yaml

from muntin_node.config import NodeConfig, load_config, save_config

Eventually = Callable[[Callable[[], bool]], Awaitable[None]]
TOKEN = "t0ken" + "x" * 59


def command(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "muntin_node", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | env,
        timeout=60,
        check=False,
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def config_file(tmp_path: Path, make_config: Callable[..., NodeConfig]) -> Path:
    path = tmp_path / "node.yml"
    save_config(path, make_config(api={"host": "127.0.0.1", "port": free_port()}, muntin={"halves": []}))
    return path


@contextlib.contextmanager
def agent_process(config: Path, **env: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "muntin_node", "run", "--config", str(config)],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | env,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def pss_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/smaps_rollup").read_text().split("Pss:")[1].split()[0])


def install_half(folder: Path, config_file: Path) -> int:
    """A half from a distribution of its own, which runs a program and has a socket; gives the agent's port."""
    (folder / "demohalf.py").write_text(HALF)
    info = folder / "demohalf-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: demohalf\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[muntin.node]\ndemohalf = demohalf\n")
    values = yaml.safe_load(config_file.read_text()) | {"muntin": {"halves": ["demohalf"]}}
    config_file.write_text(yaml.safe_dump(values))
    return load_config(config_file).api.port


def entries(folder: Path) -> list[str]:
    return [item.name for item in folder.iterdir()]


def runs(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def answers(config: Path) -> Callable[[], bool]:
    port = load_config(config).api.port

    def look() -> bool:
        with contextlib.suppress(httpx.TransportError):
            url = f"http://127.0.0.1:{port}/api/system"
            return httpx.get(url, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
        return False

    return look


async def test_the_agent_runs_until_sigterm_in_little_memory_and_logs_no_secret(
    config_file: Path, eventually: Eventually
) -> None:
    with agent_process(config_file, MUNTIN_LOG_FORMAT="json") as process:
        await eventually(answers(config_file), within_s=15)  # type: ignore[call-arg]
        port = load_config(config_file).api.port
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}x"}) as client:
            await client.get(f"http://127.0.0.1:{port}/none?token={TOKEN}")
        pss_kib = pss_of(process.pid)

        process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(process.wait, 10)
        assert process.stderr is not None
        lines = [json.loads(line) for line in process.stderr]

    assert code == 0
    assert pss_kib < 70 * 1024
    assert f"listening on 127.0.0.1 port {port}" in [line["message"] for line in lines]
    assert TOKEN not in json.dumps(lines)


async def test_sigterm_closes_websockets_and_leaves_no_child(
    tmp_path: Path, config_file: Path, eventually: Eventually
) -> None:
    port = install_half(tmp_path, config_file)

    with agent_process(config_file, PYTHONPATH=str(tmp_path)) as process:
        await eventually(answers(config_file), within_s=15)  # type: ignore[call-arg]
        async with websockets.connect(f"ws://127.0.0.1:{port}/demo/ws") as client:
            child = int(await client.recv())
            process.send_signal(signal.SIGTERM)
            await client.wait_closed()
            close_code = client.close_code
        code = await asyncio.to_thread(process.wait, 10)

    assert (code, close_code) == (0, 1012)
    assert not runs(child)


HALF = """
import asyncio, pathlib
from quart import Blueprint, websocket
from muntin_node.access import public, state_of
from muntin_node.contributions import NodeHalf, RunningHalf
from muntin_node.hookspecs import hookimpl
from muntin_node.processes import Process

async def start(context):
    child = await context.processes.start(["sleep", "300"], cwd=context.data_dir, env={"PATH": "/usr/bin:/bin"})
    return RunningHalf(state=child)

def routes():
    blueprint = Blueprint("demo", __name__)
    @blueprint.websocket("/demo/ws")
    @public
    async def ws():
        await websocket.accept()
        await websocket.send(str(state_of(Process).pid))
        await asyncio.sleep(60)
    return (blueprint,)

@hookimpl
def muntin_node_half():
    return NodeHalf(name="demohalf", version="1.0", start=start, routes=routes)
"""


def test_run_without_a_configuration_names_the_remedy(tmp_path: Path) -> None:
    result = command("run", "--config", str(tmp_path / "none.yml"))

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"muntin-node: {tmp_path}/none.yml does not exist; run `muntin-node configure` first.\n"


def test_run_before_enrolment_names_the_remedy(tmp_path: Path) -> None:
    save_config(tmp_path / "node.yml", NodeConfig())

    result = command("run", "--config", str(tmp_path / "node.yml"))

    assert (result.returncode, result.stderr) == (
        1,
        f"muntin-node: {tmp_path}/node.yml has no panel yet; run `muntin-node configure` first.\n",
    )


def test_run_on_a_port_that_is_taken_says_so(config_file: Path) -> None:
    port = load_config(config_file).api.port
    with socket.create_server(("127.0.0.1", port)):
        result = command("run", MUNTIN_NODE_CONFIG=str(config_file))

    assert result.returncode == 1
    assert f"Cannot listen on 127.0.0.1 port {port}: Address already in use." in result.stderr
    assert "Traceback" not in result.stderr


def test_run_with_tls_files_that_are_missing_says_so(config_file: Path) -> None:
    values = yaml.safe_load(config_file.read_text())
    values["api"]["ssl"] = {"enabled": True, "cert": "/none.pem", "key": "/none.key"}
    config_file.write_text(yaml.safe_dump(values))

    result = command("run", "--config", str(config_file))

    assert result.returncode == 1
    assert "api.ssl" in result.stderr
    assert "Traceback" not in result.stderr


async def test_configure_writes_what_the_panel_says(panel: Any, tmp_path: Path) -> None:
    body = {"uuid": "u", "token_id": "i" * 16, "token": TOKEN, "remote": panel.url, "api": {"port": 8181}}
    panel.answers.append((200, body))
    path = tmp_path / "etc" / "node.yml"

    result = await asyncio.to_thread(
        command, "configure", "--panel-url", panel.url, "--token", "once", "--config", str(path)
    )

    config = load_config(path)
    assert (result.returncode, config.token, config.api.port, config.remote) == (0, TOKEN, 8181, panel.url)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert TOKEN not in result.stdout + result.stderr


async def test_configure_that_is_refused_writes_nothing(panel: Any, tmp_path: Path) -> None:
    panel.answers.append((401, {}))

    result = await asyncio.to_thread(
        command, "configure", "--panel-url", panel.url, "--token", "once", "--config", str(tmp_path / "node.yml")
    )

    assert (result.returncode, entries(tmp_path)) == (1, [])
    assert "Make a new one" in result.stderr


def test_doctor_names_each_problem_and_its_remedy(config_file: Path) -> None:
    port = load_config(config_file).api.port
    with socket.create_server(("127.0.0.1", port)):
        result = command("doctor", "--config", str(config_file))

    assert result.returncode == 1
    assert f"127.0.0.1 port {port} cannot be listened on" in result.stdout
    assert "The panel at http://127.0.0.1:9 cannot be reached" in result.stdout
    assert "No node half is installed" in result.stdout


def test_routes_are_listed_without_connecting_anywhere() -> None:
    result = command("routes", "--json")

    core = [row for row in json.loads(result.stdout) if row["half"] == "core"]
    assert [(row["method"], row["path"], row["access"]) for row in core] == [
        ("POST", "/api/deauthorize-user", "node_token"),
        ("GET", "/api/diagnostics", "node_token"),
        ("DELETE", "/api/halves/<name>", "node_token"),
        ("GET", "/api/system", "node_token"),
        ("GET", "/api/system/ips", "node_token"),
        ("GET", "/api/system/utilization", "node_token"),
        ("POST", "/api/update", "node_token"),
    ]


def test_the_version_is_the_distributions() -> None:
    assert command("version").stdout == "0.1.0\n"
