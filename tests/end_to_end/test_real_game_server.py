"""A game server nobody here wrote, from order to deletion.

Egg: our own `openarena.yaml`. Game: OpenArena 0.8.8 from Debian's `openarena-server` and `ioquake3-server`. Port: the
server's allocation, UDP. Packet: `\\xff\\xff\\xff\\xffgetstatus`, which every client of the game sends to list servers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from ..images.openarena import openarena_image
from .clients import Console, Player
from .hosting import HOST, NOTHING, Host, openarena_egg
from .programs import until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
async def egg(running_panel: Host) -> dict[str, Any]:
    """The imported egg."""
    return await running_panel.import_egg(openarena_egg(openarena_image()), "application/yaml")


@pytest.fixture(scope="module")
async def arena(running_panel: Host, egg: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    """An installed server; offline before each test."""
    server = await running_panel.create("Arena", egg, memory=512, environment={"OA_HOSTNAME": "First name"})
    yield server
    await running_panel.api.delete(f"/admin/servers/{server['id']}")


async def answered(server: dict[str, Any]) -> dict[str, str]:
    """What the game says to a client on its allocation."""
    return await until(lambda: Player.status(HOST, server["allocation"]["port"]), what="an answer over UDP")


async def is_silent(server: dict[str, Any]) -> bool:
    """Whether nobody answers a client."""
    try:
        return not await Player.status(HOST, server["allocation"]["port"])
    except ConnectionError:
        return True


async def test_ordered_server_is_installed_from_its_image_and_leaves_nothing_when_deleted(
    host: Host, egg: dict[str, Any]
) -> None:
    server = await host.order("Ordered", egg, memory=512)
    installed = await host.reaches(server["id"], "offline", timeout_s=60)

    assert server["status"] == "installing"
    assert installed["problem"] == ""
    assert sorted(path.name for path in (host.volume(server["id"]) / "baseoa").iterdir()) == [
        "pak0.pk3",
        "pak1-maps.pk3",
        "pak5-TA.pk3",
        "pak6-misc.pk3",
        "qagamex86_64.so",
    ]
    await host.power(server["id"], "start")
    await host.reaches(server["id"], "running")
    await host.api.delete(f"/admin/servers/{server['id']}")
    assert await host.leaves(server) == NOTHING
    assert await is_silent(server)


async def test_game_answers_a_client_obeys_its_console_and_stops_by_its_command(
    host: Host, arena: dict[str, Any]
) -> None:
    async with Console.open(host.api, arena["id"]) as console:
        await console.send("power", action="start")
        await host.reaches(arena["id"], "running")
        before = await answered(arena)
        await host.command(arena["id"], "sv_hostname Second name")
        after = await until(
            lambda: _named(arena, "Second name"), timeout_s=10, every_s=0.3, what="the new name over UDP"
        )
        await host.power(arena["id"], "stop")
        await host.reaches(arena["id"], "offline")
        await console.shows("----- Server Shutdown (Server quit) -----")
        await until(lambda: console.states[-1] == "offline", what="the end on the console")
        states = console.states

    assert (before["sv_hostname"], before["mapname"], before["gamename"]) == ("First name", "oa_dm1", "baseoa")
    assert after["sv_hostname"] == "Second name"
    assert states == ["offline", "starting", "running", "stopping", "offline"]
    assert await is_silent(arena)
    assert host.last_exit(arena["id"]) == (0, "stopped")


async def _named(server: dict[str, Any], name: str) -> dict[str, str]:
    status = await Player.status(HOST, server["allocation"]["port"])
    return status if status.get("sv_hostname") == name else {}


async def test_kill_ends_the_game_at_once_and_counts_as_no_crash(host: Host, arena: dict[str, Any]) -> None:
    await host.power(arena["id"], "start")
    await host.reaches(arena["id"], "running")

    await host.power(arena["id"], "kill")

    await host.reaches(arena["id"], "offline")
    assert host.last_exit(arena["id"]) == (137, "killed")
    assert await is_silent(arena)


async def test_restart_brings_the_game_back_with_its_settings(host: Host, arena: dict[str, Any]) -> None:
    await host.power(arena["id"], "start")
    await host.reaches(arena["id"], "running")
    await host.command(arena["id"], "sv_hostname For one run")
    await until(lambda: _named(arena, "For one run"), every_s=0.3)

    async with Console.open(host.api, arena["id"]) as console:
        await host.power(arena["id"], "restart")
        await until(lambda: console.states[-2:] == ["starting", "running"], what="the restart")
        states = console.states

    assert states == ["running", "stopping", "offline", "starting", "running"]
    assert (await answered(arena))["sv_hostname"] == "First name"
    await host.power(arena["id"], "stop")
    await host.reaches(arena["id"], "offline")


async def test_crashed_game_is_started_again_once_and_then_stays_offline(host: Host, arena: dict[str, Any]) -> None:
    await host.power(arena["id"], "start")
    await host.reaches(arena["id"], "running")

    async with Console.open(host.api, arena["id"]) as console:
        host.engine.kill(arena["id"], signal="SIGSEGV")
        await until(lambda: console.states[-3:] == ["offline", "starting", "running"], what="the first restart")
        await answered(arena)
        host.engine.kill(arena["id"], signal="SIGSEGV")
        await console.shows("stays offline")

    await host.reaches(arena["id"], "offline")
    assert host.last_exit(arena["id"])[1].startswith("its process ended with exit code")
    assert await is_silent(arena)


async def test_suspended_server_is_stopped_and_cannot_be_started_until_it_is_unsuspended(
    host: Host, arena: dict[str, Any]
) -> None:
    await host.power(arena["id"], "start")
    await host.reaches(arena["id"], "running")

    await host.api.post(f"/admin/servers/{arena['id']}/suspend", {"reason": "unpaid"})
    await until(lambda: is_silent(arena), what="the end of the game")
    refused = await host.api.refused("POST", f"/servers/{arena['id']}/power", {"action": "start"})
    await host.api.post(f"/admin/servers/{arena['id']}/unsuspend")
    await host.reaches(arena["id"], "offline")
    await host.power(arena["id"], "start")

    assert refused == (409, "server_suspended")
    await host.reaches(arena["id"], "running")
    await host.power(arena["id"], "stop")
    await host.reaches(arena["id"], "offline")


async def test_reinstall_is_shown_live_brings_lost_files_back_and_keeps_the_owners(
    host: Host, arena: dict[str, Any]
) -> None:
    folder = host.volume(arena["id"])
    (folder / "baseoa" / "pak1-maps.pk3").unlink()
    (folder / "own.cfg").write_text("kept")

    async with Console.open(host.api, arena["id"]) as console:
        await until(lambda: console.states == ["offline"])
        server = await host.api.post(f"/servers/{arena['id']}/reinstall", {})
        await console.shows("OpenArena is installed.", kind="install_output", timeout_s=60)
        await host.reaches(arena["id"], "offline", timeout_s=60)

    assert server["status"] == "installing"
    assert (folder / "own.cfg").read_text() == "kept"
    await host.power(arena["id"], "start")
    await host.reaches(arena["id"], "running")
    assert (await answered(arena))["mapname"] == "oa_dm1"
    await host.power(arena["id"], "stop")
    await host.reaches(arena["id"], "offline")
