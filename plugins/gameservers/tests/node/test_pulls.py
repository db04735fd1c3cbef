"""Images that come from a registry: a real one, on this machine."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest
import yaml

pytestmark = pytest.mark.docker

USER = "puller"
PASSWORD = "secret-of-tests"
HASHED = f"{USER}:$2b$05$abcdefghijklmnopqrstuuw96Ltup7pGh2qN94fVvgzzZyRtkpRBq\n"
LOG_IN = {"username": USER, "password": PASSWORD}


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry that wants a log-in."""

    host: str
    engine: docker.APIClient

    def publish(self, image: str) -> str:
        """Put an image of this engine there, and only there; its name."""
        repository = f"{self.host}/muntin/game"
        self.engine.tag(image, repository, tag="1", force=True)
        pushed = self.engine.push(repository, tag="1", stream=True, decode=True, auth_config=LOG_IN)
        failures = [line["error"] for line in pushed if "error" in line]
        assert failures == []
        self.remove(f"{repository}:1")
        return f"{repository}:1"

    def remove(self, name: str) -> None:
        """Take the name from this engine."""
        try:
            self.engine.remove_image(name, force=True)
        except docker.errors.ImageNotFound:
            return


@pytest.fixture
async def registry(engine: docker.APIClient, tmp_path: Path) -> AsyncIterator[Registry]:
    """Debian's docker-registry on a free port."""
    program = shutil.which("docker-registry")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("docker-registry is not installed")
        pytest.skip("docker-registry is not installed")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    process = await asyncio.create_subprocess_exec(program, "serve", _configured(tmp_path, host))
    made = Registry(host, engine)
    try:
        await _listens(host)
        yield made
    finally:
        process.terminate()
        await process.wait()
        made.remove(f"{host}/muntin/game:1")


def _configured(folder: Path, host: str) -> str:
    (folder / "htpasswd").write_text(HASHED)
    values = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "registry")}},
        "http": {"addr": host, "secret": "s" * 16},
        "auth": {"htpasswd": {"realm": "tests", "path": str(folder / "htpasswd")}},
    }
    (folder / "registry.yml").write_text(yaml.safe_dump(values))
    return str(folder / "registry.yml")


async def _listens(host: str) -> None:
    address, _colon, port = host.partition(":")
    async with asyncio.timeout(30):
        while True:
            try:
                _reader, writer = await asyncio.open_connection(address, int(port))
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return


def _knowing(node: Any, registries: dict[str, Any]) -> None:
    """Let the node know log-ins of registries."""
    node.configure()
    node.configure(docker={**node.config["docker"], "registries": registries})


async def test_image_is_pulled_with_the_registrys_log_in_and_its_progress_is_shown(
    lonely_node: Any, registry: Registry
) -> None:
    node = lonely_node
    _knowing(node, {registry.host: LOG_IN})
    await node.start()
    uuid = node.describe("until [ -f /mnt/server/go ]; do sleep 0.1; done; echo from the script")
    image = await asyncio.to_thread(registry.publish, node.peer.scripts[uuid]["container_image"].removeprefix("~"))
    node.peer.scripts[uuid]["container_image"] = image
    node.peer.servers[uuid]["settings"]["container"]["image"] = image

    await node.call("POST", "/api/servers", {"uuid": uuid, "start_on_completion": True})

    await node.until(lambda: node.volume(uuid).is_dir(), timeout_s=60, what="the folder of the server")
    async with node.socket(uuid, node.token(uuid, "*", "admin.websocket.install", iat=int(time.time()) + 1)) as viewer:
        await node.until(
            lambda: viewer.has("install output", "Status: Downloaded newer image"),
            timeout_s=60,
            what="the end of the pull",
        )
        (node.volume(uuid) / "go").touch()
        await node.until(lambda: node.peer.installs.get(uuid), timeout_s=60, what="the install report")
        await node.reach(uuid, "running", timeout_s=60)
        lines = viewer.args("install output")

    assert node.peer.installs[uuid] == [{"successful": True, "reinstall": False, "reason": ""}]
    assert lines[0] == f"Pulling the image {image}, this may take some minutes."
    assert "from the script" in lines
    assert node.container(uuid)["Config"]["Image"] == image


async def test_registry_that_refuses_the_log_in_is_told_and_a_right_one_helps(
    lonely_node: Any, registry: Registry
) -> None:
    node = lonely_node
    _knowing(node, {registry.host: {**LOG_IN, "password": "wrong"}})
    await node.start()
    uuid = node.describe("true")
    image = await asyncio.to_thread(registry.publish, node.peer.scripts[uuid]["container_image"].removeprefix("~"))
    node.peer.scripts[uuid]["container_image"] = image

    await node.call("POST", "/api/servers", {"uuid": uuid, "start_on_completion": False})
    await node.until(lambda: node.peer.installs.get(uuid), timeout_s=60, what="the install report")
    await node.end()
    _knowing(node, {registry.host: LOG_IN})
    await node.start()
    await node.call("POST", f"/api/servers/{uuid}/install")
    await node.until(lambda: len(node.peer.installs[uuid]) == 2, timeout_s=60, what="the second report")

    refused, accepted = node.peer.installs[uuid]
    assert refused["successful"] is False
    assert refused["reason"].startswith(f"The image {image} is not on this node and could not be pulled: ")
    assert accepted["successful"] is True
