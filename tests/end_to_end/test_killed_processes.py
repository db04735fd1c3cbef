"""`kill -9` of the panel's processes while a server runs: it never notices, and neither does its console for long."""

from __future__ import annotations

from typing import Any

import pytest

from .clients import Console
from .hosting import NOTHING, Host, shell_egg
from .programs import until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
async def egg(running_panel: Host, busybox: str) -> dict[str, Any]:
    """The imported egg."""
    return await running_panel.import_egg(shell_egg("Survivor", busybox), "application/json")


@pytest.mark.parametrize("kind", ["web", "worker", "agent"])
async def test_server_runs_on_and_console_and_state_are_right_afterwards(
    host: Host, egg: dict[str, Any], kind: str
) -> None:
    server = await host.running(f"Survives the {kind}", egg)
    await host.command(server["id"], "said before")
    await host.says(server["id"], "you said said before")
    started_at = host.started_at(server["id"])

    await host.program.kill(kind)
    await until(lambda: _obeys(host, server["id"], "said after"), timeout_s=40, every_s=1.5, what="the console")

    assert host.started_at(server["id"]) == started_at
    assert (await host.server(server["id"]))["status"] == "running"
    async with Console.open(host.api, server["id"]) as console:
        await console.shows("you said said after")
        shown = console.text().splitlines()
    assert shown.count("you said said before") == 1
    assert shown.index("you said said before") < shown.index("you said said after")
    await host.power(server["id"], "stop")
    await host.reaches(server["id"], "offline")
    assert host.last_exit(server["id"]) == (0, "stopped")
    await host.api.delete(f"/admin/servers/{server['id']}")
    assert await host.leaves(server) == NOTHING


async def test_server_that_ended_while_the_agent_was_dead_is_found_and_started_again(
    host: Host, egg: dict[str, Any]
) -> None:
    server = await host.running("Ends unseen", egg)
    started_at = host.started_at(server["id"])

    async with host.program.without("agent"):
        host.engine.kill(server["id"])
        host.engine.wait(server["id"])
    await until(lambda: host.started_at(server["id"]) not in ("", started_at), timeout_s=40, what="a new start")

    await host.reaches(server["id"], "running")
    await host.api.delete(f"/admin/servers/{server['id']}")
    assert await host.leaves(server) == NOTHING


async def test_server_ordered_while_the_worker_was_dead_is_installed_when_it_is_back(
    host: Host, egg: dict[str, Any]
) -> None:
    async with host.program.without("worker"):
        server = await host.order("Waits for the worker", egg)
        status = (await host.server(server["id"]))["status"]

    await host.reaches(server["id"], "offline", timeout_s=60)
    assert status == "installing"
    await host.api.delete(f"/admin/servers/{server['id']}")
    assert await host.leaves(server) == NOTHING


async def _obeys(host: Host, server_id: str, words: str) -> bool:
    """Whether the server heard the words; said again only while nobody takes them."""
    response = await host.api.ask("GET", f"/servers/{server_id}/logs")
    if response.is_success and f"you said {words}" in response.json()["data"]["lines"]:
        return True
    await host.api.ask("POST", f"/servers/{server_id}/command", {"command": words})
    return False
