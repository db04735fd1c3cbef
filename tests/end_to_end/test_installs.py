"""Install scripts that do what real ones do, and those that fail, misbehave or are cut off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import docker
import pytest

from ..images.local_packages import local_packages_image
from .clients import Console
from .hosting import NOTHING, Host, shell_egg
from .programs import until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

INSTALL_A_PACKAGE = """
apt-get -q update
apt-get -q install -y muntin-greeting
muntin-greeting >greeting.txt
stat -c '%U %n' /opt/greeting/state
mkdir /opt/own
echo written >/opt/own/file
cp -r /opt/own /opt/greeting .
chown -R 4242:4242 own
"""
PIDS_LIMIT = 512
FORK_BOMB = "f() { f | f & f; }; f"


@pytest.fixture(scope="module")
def packages(engine: docker.APIClient) -> str:
    """An image whose apt has a package and no network."""
    return local_packages_image()


async def eggs(host: Host, name: str, image: str, **more: str) -> dict[str, Any]:
    """An imported egg."""
    return await host.import_egg(shell_egg(name, image, **more), "application/json")


async def test_install_is_watched_while_it_runs(host: Host, busybox: str) -> None:
    egg = await eggs(host, "Watched", busybox, script="echo half done; while [ -e wait ]; do sleep 0.1; done")
    server = await host.create("Watched", egg)
    (host.volume(server["id"]) / "wait").touch()

    async with Console.open(host.api, server["id"]) as console:
        await until(lambda: console.states == ["offline"], what="the state")
        answered = await host.api.post(f"/servers/{server['id']}/reinstall", {})
        await console.shows("half done", kind="install_output")
        meanwhile = await host.server(server["id"])
        (host.volume(server["id"]) / "wait").unlink()
        await console.shows("game installed", kind="install_output")
        await until(lambda: console.told("event"), what="the end of the install")

    assert (answered["status"], meanwhile["status"]) == ("installing", "installing")
    assert console.told("event") == [{"type": "event", "event": "install_completed", "data": {}}]
    assert (await host.reaches(server["id"], "offline"))["problem"] == ""
    await host.api.delete(f"/admin/servers/{server['id']}")
    assert await host.leaves(server) == NOTHING


async def test_script_may_install_packages_change_owners_and_write_below_opt(host: Host, packages: str) -> None:
    egg = await eggs(host, "Packages", packages, script=INSTALL_A_PACKAGE)

    server = await host.create("Packages", egg)

    folder = host.volume(server["id"])
    assert "greeter /opt/greeting/state" in install_log(host, server["id"])
    assert (folder / "greeting.txt").read_text() == "Greetings from a package\n"
    assert (folder / "own" / "file").read_text() == "written\n"
    assert (folder / "greeting" / "state").read_text() == "installed\n"
    assert {path.stat().st_uid for path in folder.rglob("*")} == {folder.stat().st_uid}
    await host.power(server["id"], "start")
    await host.reaches(server["id"], "running")
    await host.api.delete(f"/admin/servers/{server['id']}")
    assert await host.leaves(server) == NOTHING


async def test_fork_bomb_in_a_script_hits_the_limit_and_fails_the_install(host: Host, packages: str) -> None:
    egg = await eggs(host, "Bomb", packages, script=FORK_BOMB)
    server = await host.order("Bomb", egg)

    failed = await host.reaches(server["id"], "install_failed", timeout_s=60)

    assert failed["problem"] == "The install script ended with exit code 2."
    log = install_log(host, server["id"])
    assert "Cannot fork" in log
    assert host.containers(server["id"]) == []
    await host.api.delete(f"/admin/servers/{server['id']}")
    assert await host.leaves(server) == NOTHING


async def test_fork_bomb_in_a_running_server_hurts_nobody_else(host: Host, busybox: str) -> None:
    egg = await eggs(host, "Bombed game", busybox)
    server = await host.running("Bombed game", egg)
    neighbour = await host.running("Neighbour", egg)

    await host.command(server["id"], f"do ({FORK_BOMB}) >/dev/null 2>&1 &")
    processes = await until(lambda: _many_processes(host, server["id"]), every_s=0.5, what="the bomb")
    await host.command(neighbour["id"], "hello")
    await host.says(neighbour["id"], "you said hello")
    await host.command(server["id"], "stop")

    await host.reaches(server["id"], "offline")
    assert processes <= PIDS_LIMIT
    for one in (server, neighbour):
        await host.api.delete(f"/admin/servers/{one['id']}")
        assert await host.leaves(one) == NOTHING


def _many_processes(host: Host, server_id: str) -> int:
    """How many processes the server has, once they are near the limit."""
    figures = host.engine.stats(server_id, stream=False, one_shot=True)["pids_stats"]
    assert figures["limit"] == PIDS_LIMIT
    return int(figures["current"]) if figures["current"] > PIDS_LIMIT * 0.8 else 0


async def test_failing_script_gives_its_exit_code_and_can_be_repeated(host: Host, busybox: str) -> None:
    egg = await eggs(host, "Failing", busybox, script="echo something is missing; [ -e cure ] || exit 7")
    server = await host.order("Failing", egg)
    failed = await host.reaches(server["id"], "install_failed")
    refused = await host.api.refused("POST", f"/servers/{server['id']}/power", {"action": "start"})
    assert host.containers(server["id"]) == []

    (host.volume(server["id"]) / "cure").touch()
    await host.api.post(f"/servers/{server['id']}/reinstall", {})
    cured = await host.reaches(server["id"], "offline")

    assert failed["problem"] == "The install script ended with exit code 7."
    assert "something is missing" in install_log(host, server["id"])
    assert refused == (409, "server_locked")
    assert cured["problem"] == ""
    await host.api.delete(f"/admin/servers/{server['id']}")
    assert await host.leaves(server) == NOTHING


async def test_missing_image_of_a_script_is_named_and_the_install_can_be_repeated(host: Host, busybox: str) -> None:
    missing = "muntin-tests/not-there:1"
    egg = await eggs(host, "No installer", busybox, install_image=missing)
    server = await host.order("No installer", egg)
    failed = await host.reaches(server["id"], "install_failed")

    host.engine.tag(busybox, missing)
    try:
        await host.api.post(f"/servers/{server['id']}/reinstall", {})
        await host.reaches(server["id"], "offline")
    finally:
        host.engine.remove_image(missing)

    assert failed["problem"] == f"The image {missing} is not on this node and is never pulled (~)."
    await host.api.delete(f"/admin/servers/{server['id']}")
    assert await host.leaves(server) == NOTHING


async def test_server_deleted_in_the_middle_of_its_install_leaves_nothing(host: Host, busybox: str) -> None:
    egg = await eggs(host, "Endless", busybox, script="echo waiting; sleep 600")
    server = await host.order("Endless", egg)
    await until(lambda: host.containers(server["id"]), what="the install container")

    await host.api.delete(f"/admin/servers/{server['id']}")

    assert await host.leaves(server) == NOTHING


async def test_install_cut_off_by_the_end_of_the_agent_says_so_and_can_be_repeated(host: Host, busybox: str) -> None:
    egg = await eggs(host, "Cut off", busybox, script="echo waiting; while [ ! -e go ]; do sleep 0.1; done")
    server = await host.order("Cut off", egg)
    await until(lambda: host.containers(server["id"]), what="the install container")

    await host.program.kill("agent")
    failed = await host.reaches(server["id"], "install_failed")
    await until(lambda: host.containers(server["id"]) == [], what="the end of the stray container")
    (host.volume(server["id"]) / "go").touch()
    await host.api.post(f"/servers/{server['id']}/reinstall", {})
    await host.reaches(server["id"], "offline")

    assert failed["problem"] == "The node was restarted while the install ran."
    await host.api.delete(f"/admin/servers/{server['id']}")
    assert await host.leaves(server) == NOTHING


def install_log(host: Host, server_id: str) -> str:
    """What the script said, as the node keeps it."""
    logs: list[Path] = [*(host.program.folder / "node").rglob(f"*{server_id}*.log")]
    return "\n".join(path.read_text(errors="replace") for path in logs)
