"""Nodes and servers that a bench's panel talks to."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from tests.bench.seeding import add_servers, lift_limits, store_of

from muntin.docker import docker_answers
from muntin.testing.served import ServedPanel

REACHED_S = 60.0
LOOK_S = 0.05
EGG = {
    "meta": {"version": "PTDL_v2"},
    "name": "Shell",
    "author": "bench@example.test",
    "description": "A shell that waits for commands.",
    "docker_images": {},
    "startup": "sh",
    "config": {"files": "{}", "startup": json.dumps({"done": "ready"}), "logs": "{}", "stop": "exit"},
    "scripts": {"installation": {"script": "true", "container": "none", "entrypoint": "sh"}},
    "variables": [],
}


def why_no_containers() -> str:
    """Why no container can run here; empty when they can."""
    if not docker_answers():
        return "no Docker engine answers"
    return "" if shutil.which("busybox") else "busybox is not installed"


async def server_on_peer(panel: ServedPanel, port: int) -> UUID:
    """A server of the administrator's, on a node that listens on that port."""
    node = {"name": "peer", "fqdn": "127.0.0.1", "scheme": "http", "daemon_port": port, "memory": 65536, "disk": 65536}
    made = await _data(panel, "POST", "/admin/nodes", node)
    owner = await _data(panel, "GET", "/account")
    async with store_of(panel):
        await lift_limits()
        [server_id] = await add_servers(UUID(owner["id"]), UUID(made["id"]), 1)
    await _use_a_key(panel)
    return server_id


async def game_server(panel: ServedPanel) -> str:
    """A server of the administrator's on the panel's own agent: a shell in a container; its id."""
    from tests.images.busybox import busybox_image  # needs an engine

    async with store_of(panel):
        await lift_limits()
    await _use_a_key(panel)
    node = await _local_node(panel)
    owner = await _data(panel, "GET", "/account")
    nest = await _data(panel, "POST", "/admin/nests", {"name": "bench"})
    image = f"~{await asyncio.to_thread(busybox_image)}"  # never pulled
    egg = await _data(
        panel, "POST", f"/admin/eggs/import?nest_id={nest['id']}", {**EGG, "docker_images": {"sh": image}}
    )
    await _data(panel, "POST", f"/admin/nodes/{node['id']}/allocations", {"ip": "127.0.0.1", "ports": ["28015"]})
    wanted = {"name": "shell", "user_id": owner["id"], "egg_id": egg["id"], "memory": 128, "disk": 64}
    made = await _data(panel, "POST", "/admin/servers", {**wanted, "skip_install": True})
    await reached(panel, made["id"], "offline")
    return str(made["id"])


async def reached(panel: ServedPanel, server_id: str, *states: str) -> None:
    """Wait until the server's node says that it is in one of the states."""
    await _until(lambda: _status(panel, server_id), lambda status: status in states)


async def say_ready(panel: ServedPanel, server_id: str) -> None:
    """Have a shell that was started print what makes the node take it for running."""
    await reached(panel, server_id, "starting", "running")

    async def told() -> int:
        return (
            await panel.client.post(f"/api/v1/servers/{server_id}/command", json={"command": "echo ready"})
        ).status_code

    await _until(told, lambda status: status == 200)
    await reached(panel, server_id, "running")


async def _status(panel: ServedPanel, server_id: str) -> str:
    answer = await panel.client.get(f"/api/v1/servers/{server_id}/resources")
    return str(answer.json()["data"]["status"]) if answer.status_code == 200 else ""


async def _local_node(panel: ServedPanel) -> Any:
    nodes = await _until(lambda: _data(panel, "GET", "/admin/nodes"), lambda found: found[0]["status"] == "online")
    return nodes[0]


async def _until(ask: Callable[[], Awaitable[Any]], holds: Callable[[Any], bool]) -> Any:
    async with asyncio.timeout(REACHED_S):
        while not holds(answer := await ask()):  # noqa: ASYNC110 - the panel is asked, it announces nothing
            await asyncio.sleep(LOOK_S)
    return answer


async def _use_a_key(panel: ServedPanel) -> None:
    """Ask with a key from now on: sessions made before the limits were lifted still have them."""
    key = await _data(panel, "POST", "/account/api-keys", {"description": "bench"})
    panel.client.headers["Authorization"] = f"Bearer {key['token']}"


async def _data(panel: ServedPanel, method: str, path: str, body: object = None) -> Any:
    answer = await panel.client.request(method, f"/api/v1{path}", json=body)
    return answer.raise_for_status().json()["data"]
