from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.docker


@pytest.mark.parametrize("kill", [False, True], ids=["terminated", "killed"])
async def test_restarted_agent_finds_its_server_and_its_console_again(lonely_node: Any, kill: bool) -> None:
    node = lonely_node
    await node.start()
    uuid = await node.running()
    await node.ask(uuid, "echo before")
    container = node.container(uuid)

    await node.end(kill=kill)
    await asyncio.sleep(0.2)
    await node.start()

    assert (await node.details(uuid))["state"] == "running"
    assert node.container(uuid)["State"]["StartedAt"] == container["State"]["StartedAt"]
    assert "before" in await node.lines(uuid)
    assert await node.ask(uuid, "echo after") == ["after"]
    await node.power(uuid, "stop", "offline")
    assert node.peer.resets == 2


@pytest.mark.parametrize("kill", [False, True], ids=["terminated", "killed"])
async def test_numbers_of_lines_go_on_over_a_restart_of_the_agent(lonely_node: Any, kill: bool) -> None:
    node = lonely_node
    await node.start()
    uuid = await node.running()
    await asyncio.sleep(1)  # tokens of the second the agent started in are refused
    async with node.socket(uuid, node.token(uuid, "*"), query="?muntin=1") as first:
        await first.send("send logs")
        await node.tell(uuid, "do seq 1 50")
        await node.until(lambda: first.has("console output", "50"))
        await asyncio.sleep(6 if kill else 0)  # a kill leaves what was saved every 5 s
        await node.tell(uuid, "do seq 51 60; sleep 1; seq 61 70")
        await node.until(lambda: first.has("console output", "60"))
    last = max(frame["seq"] + len(frame["args"]) - 1 for frame in first.frames if "seq" in frame)

    await node.end(kill=kill)
    await asyncio.sleep(1)
    await node.start()
    await asyncio.sleep(1)
    async with node.socket(uuid, node.token(uuid, "*"), query="?muntin=1") as second:
        await second.send("send logs", str(last))
        await node.tell(uuid, "do seq 71 80")
        await node.until(lambda: second.has("console output", "80"))

    lines: dict[int, str] = {}
    for frame in (*first.frames, *second.frames):
        lines |= dict(enumerate(frame["args"], frame["seq"])) if "seq" in frame else {}
    assert [int(lines[seq]) for seq in sorted(lines) if lines[seq].isdigit()] == list(range(1, 81))
    assert min(frame["seq"] for frame in second.frames if "seq" in frame) == last + 1
    assert second.args("console skipped") == []


async def test_line_that_says_ready_while_the_agent_is_away_counts(lonely_node: Any) -> None:
    node = lonely_node
    await node.start()
    uuid = await node.install("touch /mnt/server/slow")
    await node.power(uuid, "start", "starting")
    await node.says(uuid, "game starts")

    await node.end(kill=True)
    await asyncio.sleep(3)
    await node.start()

    await node.reach(uuid, "running")


async def test_server_that_ended_while_the_agent_was_away_is_noticed_and_started_again(lonely_node: Any) -> None:
    node = lonely_node
    await node.start()
    uuid = await node.running()

    await node.end(kill=True)
    node.engine.remove_container(uuid, force=True)
    await node.start()

    await node.says(uuid, "it ended while the node's agent was away")
    await node.reach(uuid, "running")
    await node.until(lambda: node.peer.states[uuid][-3:] == ["offline", "starting", "running"])


async def test_server_that_was_offline_stays_offline(lonely_node: Any) -> None:
    node = lonely_node
    await node.start()
    uuid = await node.running()
    await node.power(uuid, "stop", "offline")
    await node.until(lambda: _saved(node) == {uuid: "offline"})

    await node.end(kill=True)
    await node.start()

    assert (await node.details(uuid))["state"] == "offline"
    assert json.loads((node.folder / "states.json").read_text()) == {uuid: "offline"}


async def test_stop_that_was_under_way_goes_on(lonely_node: Any) -> None:
    node = lonely_node
    await node.start()
    uuid = await node.running()
    await node.ask(uuid, "trap 'sleep 6; exit 0' TERM")
    node.peer.servers[uuid]["process_configuration"]["stop"] = {"type": "signal", "value": "TERM"}
    await node.call("POST", f"/api/servers/{uuid}/sync")
    await node.power(uuid, "stop", "stopping")
    await node.until(lambda: _saved(node) == {uuid: "stopping"})

    await node.end(kill=True)
    await node.start()

    await node.reach(uuid, "offline")
    await asyncio.sleep(0.5)
    assert (await node.details(uuid))["state"] == "offline"


async def test_install_cut_off_by_a_kill_is_reported_failed_and_leaves_no_container(lonely_node: Any) -> None:
    node = lonely_node
    await node.start()
    uuid = node.describe("echo begun; sleep 60")
    await node.call("POST", "/api/servers", {"uuid": uuid})
    await node.until(lambda: node.container(f"{uuid}_installer"))

    await node.end(kill=True)
    await node.start()

    assert node.peer.installs[uuid] == [
        {"successful": False, "reinstall": False, "reason": "The node was restarted while the install ran."}
    ]
    assert node.container(f"{uuid}_installer") is None
    node.peer.scripts[uuid]["script"] = "true"
    await node.call("POST", "/api/servers", {"uuid": uuid})
    await node.until(lambda: len(node.peer.installs[uuid]) == 2)
    assert node.peer.installs[uuid][1]["successful"] is True


async def test_outcome_of_an_install_reaches_a_panel_that_was_away(lonely_node: Any) -> None:
    node = lonely_node
    await node.start()
    uuid = node.describe("sleep 1")
    await node.call("POST", "/api/servers", {"uuid": uuid})
    await node.until(lambda: node.container(f"{uuid}_installer"))
    node.peer.is_down = True
    journal = node.folder / "halves" / "gameservers" / "journal.json"
    await node.until(lambda: json.loads(journal.read_text())["installs"].get(uuid, {}).get("successful"))

    await node.end(kill=True)
    node.peer.is_down = False
    await node.start()

    assert node.peer.installs[uuid] == [{"successful": True, "reinstall": False, "reason": ""}]


async def test_deletion_cut_off_by_a_kill_is_finished_after_the_restart(lonely_node: Any) -> None:
    node = lonely_node
    await node.start()
    uuid = await node.running("echo x > /mnt/server/x")
    await node.end(kill=True)
    journal = node.folder / "halves" / "gameservers" / "journal.json"
    content = json.loads(journal.read_text())
    journal.write_text(json.dumps(content | {"deletions": [uuid]}))  # as it is right after the call came in

    await node.start()

    await node.until(lambda: node.container(uuid) is None)
    await node.until(lambda: not node.volume(uuid).exists())
    await node.until(lambda: json.loads(journal.read_text())["deletions"] == [])


async def test_agent_waits_for_a_panel_that_is_away_and_says_so(lonely_node: Any) -> None:
    node = lonely_node
    await node.start()
    uuid = await node.running()
    await node.end()
    node.peer.is_down = True

    starting = asyncio.create_task(node.start())
    await asyncio.sleep(1)
    node.peer.is_down = False
    await starting

    assert (await node.details(uuid))["state"] == "running"


@contextlib.asynccontextmanager
async def gate(path: Path) -> AsyncIterator[None]:
    """An engine's socket that is there only within this block."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    connections: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection("/var/run/docker.sock")
        connections.extend((writer, far_writer))
        await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))

    server = await asyncio.start_unix_server(serve, path)
    try:
        yield
    finally:
        server.close()
        for writer in connections:
            writer.transport.abort()
        await asyncio.to_thread(path.unlink)


async def test_engine_that_is_away_shows_in_state_and_answers_and_is_found_again(lonely_node: Any) -> None:
    node = lonely_node
    path = node.folder / "docker.sock"
    node.environment = {"DOCKER_HOST": f"unix://{path}"}
    async with gate(path):
        await node.start()
        uuid = await node.running()

    async def error() -> Any:
        return (await node.details(uuid))["engine_error"]

    reason = await node.until(error)
    refused = await node.call("POST", f"/api/servers/{uuid}/power", {"action": "stop"})
    details = await node.details(uuid)
    async with gate(path):
        await node.until(lambda: _gone(error))
        still = await node.ask(uuid, "echo still here")
        await node.power(uuid, "stop", "offline")

    assert (refused.status_code, refused.json()["error"]) == (503, reason)
    assert details["state"] == "running"
    assert still == ["still here"]


async def _gone(error: Any) -> bool:
    return await error() is None


def _saved(node: Any) -> Any:
    """The states that the agent has written down."""
    path = node.folder / "states.json"
    return json.loads(path.read_text()) if path.exists() else {}
