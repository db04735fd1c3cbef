"""A server moves to another node whole; whoever dies on the way, it is on one of the two and nowhere else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from .clients import Console
from .hosting import NOTHING, Host, shell_egg
from .programs import until
from .second_node import SecondNode

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
async def second(running_panel: Host, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SecondNode]:
    """A second node of the shared panel."""
    async with SecondNode.beside(running_panel, tmp_path_factory.mktemp("second")) as node:
        yield node
    for one in await running_panel.api.get(f"/admin/nodes/{node.node_id}/allocations?per_page=100"):
        assert one["server_id"] is None
    await running_panel.api.delete(f"/admin/nodes/{node.node_id}")


@pytest.fixture(scope="module")
async def egg(running_panel: Host, busybox: str) -> dict[str, Any]:
    """The imported egg."""
    return await running_panel.import_egg(shell_egg("Mover", busybox), "application/json")


async def order_move(
    host: Host, server: Mapping[str, Any], node_id: str, allocation: Mapping[str, Any]
) -> dict[str, Any]:
    """Order the transfer; what the panel answered."""
    body = {"node_id": node_id, "allocation_id": allocation["id"]}
    answer: dict[str, Any] = await host.api.post(f"/admin/servers/{server['id']}/transfer", body)
    return answer


async def arrives(host: Host, server: Mapping[str, Any], node_id: str, status: str) -> dict[str, Any]:
    """Wait until the panel says that the server is on a node, in a state."""

    async def look() -> dict[str, Any]:
        found = await host.server(server["id"])
        return found if (found["node_id"], found["status"]) == (node_id, status) else {}

    try:
        return await until(look, timeout_s=60, every_s=0.3, what=f"{status} on {node_id}")
    except AssertionError as error:
        found = await host.server(server["id"])
        raise AssertionError(f"{error}; it is {found['status']} on {found['node_id']}: {found['problem']!r}") from None


def first_paths(host: Host, server_id: str) -> list[str]:
    """Everything of a server in the folder of the panel's own node, but for logs."""
    folder = host.program.folder / "node"
    return sorted(str(path) for path in folder.rglob(f"*{server_id}*") if "logs" not in path.parts)


def fill(volume: Path) -> None:
    """Files whose copy must be exact."""
    (volume / "world").mkdir()
    (volume / "world" / "level.dat").write_bytes(bytes(range(256)) * 40_000)
    (volume / "run.sh").write_text("echo")
    (volume / "run.sh").chmod(0o750)
    (volume / "latest").symlink_to("world/level.dat")


def tree(volume: Path) -> dict[str, tuple[int, bytes | str]]:
    """Path -> mode and content (or target) of every entry."""
    found: dict[str, tuple[int, bytes | str]] = {}
    for path in sorted(volume.rglob("*")):
        mode = path.lstat().st_mode
        content = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else ""
        found[str(path.relative_to(volume))] = (mode, content)
    return found


async def test_running_server_moves_with_its_files_and_runs_on_there(
    host: Host, second: SecondNode, egg: dict[str, Any]
) -> None:
    server = await host.running("Moves", egg)
    old_allocation, new_allocation = server["allocation_id"], await second.allocate()
    fill(host.volume(server["id"]))
    before = tree(host.volume(server["id"]))

    async with Console.open(host.api, server["id"]) as console:
        await until(lambda: console.states == ["running"], what="the console")
        answer = await order_move(host, server, second.node_id, new_allocation)
        moved = await arrives(host, server, second.node_id, "running")
        await console.shows(f"the game is open on {new_allocation['port']}")
        await host.command(server["id"], "are you there")
        await console.shows("you said are you there")

    assert answer == {"accepted": True, "transfer_id": answer["transfer_id"], "status": "transferring"}
    assert moved["allocation_id"] == new_allocation["id"]
    assert tree(second.volume(server["id"])) == before
    await until(lambda: first_paths(host, server["id"]) == [], what="the end of the old copy")
    assert await host.owner_of(old_allocation) is None
    assert host.containers(server["id"]) == [server["id"]]
    await moves_back_and_goes(host, second, moved)


async def moves_back_and_goes(host: Host, second: SecondNode, server: Mapping[str, Any]) -> None:
    """The way back works as well, stopped this time; deleting leaves nothing on either node."""
    await host.power(server["id"], "stop")
    await host.reaches(server["id"], "offline")
    files = tree(second.volume(server["id"]))

    await order_move(host, server, host.node_id, await host.allocate())
    back = await arrives(host, server, host.node_id, "offline")
    await until(lambda: second.paths(server["id"]) == [], what="the end of the copy on the second node")

    assert tree(host.volume(server["id"])) == files
    await host.api.delete(f"/admin/servers/{server['id']}")
    assert await host.leaves(back) == NOTHING


@pytest.mark.parametrize("killed", ["source", "destination"])
async def test_server_stays_where_it_was_when_a_node_dies_on_the_way(
    host: Host, second: SecondNode, egg: dict[str, Any], killed: str
) -> None:
    server = await host.running(f"Stays when the {killed} dies", egg)
    allocation = await second.allocate()
    fill(host.volume(server["id"]))
    before = tree(host.volume(server["id"]))

    second.freeze()  # takes connections, and answers nothing
    await order_move(host, server, second.node_id, allocation)
    await until(lambda: host.started_at(server["id"]) == "", what="the stop for the move")
    if killed == "source":
        await host.program.kill("agent")
        second.thaw()
    else:
        await second.kill()
        await second.start()
    stayed = await arrives(host, server, host.node_id, "running")

    assert tree(host.volume(server["id"])) == before
    assert stayed["allocation_id"] == server["allocation_id"]
    await until(lambda: second.paths(server["id"]) == [], what="no half copy")
    free = {one["id"]: one["server_id"] for one in await host.api.get(f"/admin/nodes/{second.node_id}/allocations")}
    assert free[allocation["id"]] is None
    await host.api.delete(f"/admin/servers/{server['id']}")
    assert await host.leaves(server) == NOTHING


@pytest.mark.parametrize("kind", ["web", "worker"])
async def test_server_arrives_although_the_panel_dies_on_the_way(
    host: Host, second: SecondNode, egg: dict[str, Any], kind: str
) -> None:
    server = await host.create(f"Arrives without the {kind}", egg)
    fill(host.volume(server["id"]))
    before = tree(host.volume(server["id"]))

    second.freeze()
    await order_move(host, server, second.node_id, await second.allocate())
    await host.program.kill(kind)
    second.thaw()
    await arrives(host, server, second.node_id, "offline")

    assert tree(second.volume(server["id"])) == before
    await until(lambda: first_paths(host, server["id"]) == [], what="the end of the old copy")
    await host.api.delete(f"/admin/servers/{server['id']}")
    await until(lambda: second.paths(server["id"]) == [], what="the end of the copy")
    assert host.containers(server["id"]) == []
