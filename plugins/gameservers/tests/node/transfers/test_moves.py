"""Whole moves between two agents, and what is seen of them."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from muntin.testing.authorities import make_authority

pytestmark = pytest.mark.docker
MIB = 1_048_576


def _seen(folder: Path) -> dict[str, tuple[Any, ...]]:
    """Everything below a folder: kind and mode, time of change, content or target, owner."""
    found: dict[str, tuple[Any, ...]] = {}
    for entry in folder.rglob("*"):
        facts = entry.lstat()
        is_link = entry.is_symlink()
        content: object = str(entry.readlink()) if is_link else entry.read_bytes() if entry.is_file() else None
        mode = 0 if is_link else facts.st_mode
        found[str(entry.relative_to(folder))] = (mode, facts.st_mtime_ns, content, facts.st_uid)
    return found


def _fill(folder: Path) -> None:
    """What a folder can hold besides plain files with plain names."""
    deep = folder / "plugins" / "deep" / ("n" * 200)
    deep.mkdir(parents=True)
    (deep / ("m" * 200)).write_text("long")
    (folder / "run.sh").write_text("#!/bin/sh")
    (folder / "run.sh").chmod(0o750)
    (folder / "latest").symlink_to("/home/container/world.dat")
    (folder / os.fsdecode(b"caf\xe9")).write_text("not UTF-8")
    for path in folder.rglob("*"):
        os.chown(path, folder.stat().st_uid, -1, follow_symlinks=False)
    os.utime(folder / "empty", ns=(1_234_567_890_123_456_789,) * 2)
    os.utime(folder / "plugins", ns=(1_000_000_001,) * 2)
    (folder / "plugins").chmod(0o700)


async def test_server_moves_with_all_its_files(pair: Any, some_bytes: bytes) -> None:
    uuid = await pair.server(**{"server.properties": b"motd=hello", "world.dat": some_bytes, "empty": b""})
    folder = pair.source.volume(uuid)
    _fill(folder)
    before = _seen(folder)

    response = await pair.start(uuid)
    await pair.source.until(lambda: pair.desk.transfers[uuid].state != "running")

    assert (response.status_code, response.content) == (202, b"")
    assert pair.desk.transfers[uuid].state == "succeeded"
    assert _seen(pair.target.volume(uuid)) == before
    assert pair.told(uuid) == [("target", "success", 204)]
    details = await pair.target.details(uuid)
    assert (details["state"], details["is_installing"], details["is_transferring"]) == ("offline", False, False)
    assert pair.target.peer.installs[uuid] == [{"successful": True, "reinstall": False, "reason": ""}]


async def test_what_is_no_file_stays_behind_and_hard_links_become_copies(pair: Any) -> None:
    uuid = await pair.server(one=b"same")
    folder = pair.source.volume(uuid)
    (folder / "two").hardlink_to(folder / "one")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "socket"))
    os.mknod(folder / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    (folder / "out").symlink_to("/etc")

    await pair.start(uuid)
    await pair.source.until(lambda: pair.desk.transfers[uuid].state != "running")

    moved = pair.target.volume(uuid)
    assert sorted(path.name for path in moved.iterdir()) == ["one", "out", "two"]
    assert ((moved / "two").read_bytes(), (moved / "two").stat().st_nlink) == (b"same", 1)
    assert (moved / "out").readlink() == Path("/etc")


async def test_running_server_is_stopped_moved_and_starts_on_the_other_node(pair: Any) -> None:
    uuid = await pair.server()
    await pair.source.power(uuid, "start", "running")
    await pair.source.ask(uuid, "echo world > /home/container/world")
    admin, user = pair.source.token(uuid, "*", "admin.websocket.transfer"), pair.source.token(uuid, "*")

    async with pair.source.socket(uuid, admin) as seeing, pair.source.socket(uuid, user) as other:
        response = await pair.start(uuid)
        stopped_when_answered = (await pair.source.details(uuid))["state"]
        await pair.source.until(lambda: seeing.has("transfer status", "success"))
        await pair.source.until(lambda: other.has("transfer status", "success"))
        locked = await pair.source.details(uuid)
        await pair.target.power(uuid, "start", "running")
        deletion = await pair.source.call("DELETE", f"/api/servers/{uuid}")
        await pair.source.until(lambda: seeing.has("deleted"))

    assert (response.status_code, stopped_when_answered) == (202, "offline")
    assert (locked["state"], locked["is_transferring"], locked["last_exit"]["reason"]) == (
        "offline",
        True,
        "stopped for a transfer",
    )
    assert deletion.status_code == 204
    assert seeing.args("transfer status") == ["processing", "success", "completed"]
    assert seeing.args("transfer logs")[0] == "Sending 0.0 MiB to the other node."
    assert other.args("transfer status") == seeing.args("transfer status")
    assert other.args("transfer logs") == []
    assert await pair.target.ask(uuid, "cat /home/container/world") == ["world"]
    assert pair.target.container(uuid)["Config"]["Labels"]["muntin.node"] == pair.target.config["uuid"]
    await pair.source.until(lambda: not list(pair.source.folder.rglob(f"*{uuid}*")))
    await pair.source.until(lambda: uuid not in pair.under_way(pair.source))
    await pair.target.power(uuid, "kill", "offline")


async def test_server_under_way_refuses_everything_else(pair: Any, listener: Any) -> None:
    uuid = await pair.server(file=b"content")
    source = pair.source
    await pair.start(uuid, url=listener.url)
    await source.until(lambda: listener.opened)

    again = await source.call("POST", f"/api/servers/{uuid}/transfer", {"url": listener.url, "token": "Bearer x"})
    install = await source.call("POST", f"/api/servers/{uuid}/install")
    reinstall = await source.call("POST", f"/api/servers/{uuid}/reinstall", {"wipe": True})
    commands = await source.call("POST", f"/api/servers/{uuid}/commands", {"commands": ["stop"]})
    async with source.socket(uuid, source.token(uuid, "*", "admin.websocket.errors")) as viewer:
        await viewer.send("set state", "start")
        await source.until(lambda: viewer.has("daemon error"))
    health = (await source.details(uuid))["state"]
    await source.call("DELETE", f"/api/servers/{uuid}/transfer")

    assert (again.status_code, install.status_code, reinstall.status_code, commands.status_code) == (409, 409, 409, 502)
    assert again.json()["error"] == "The server is being moved already."
    assert "The server is being moved to another node." in viewer.args("daemon error")[0]
    assert viewer.args("stats") == []
    assert (health, (source.volume(uuid) / "file").read_bytes()) == ("offline", b"content")


async def test_cancelled_transfer_ends_at_once_and_the_server_is_free_again(pair: Any, listener: Any) -> None:
    uuid = await pair.server(file=b"content")
    source = pair.source
    async with source.socket(uuid, source.token(uuid, "*", "admin.websocket.transfer")) as viewer:
        await pair.start(uuid, url=listener.url)
        await source.until(lambda: listener.opened)
        pair.desk.transfers[uuid].state = "failed"

        response = await source.call("DELETE", f"/api/servers/{uuid}/transfer")
        await source.until(lambda: viewer.has("transfer status", "failure"))

    again = await source.call("DELETE", f"/api/servers/{uuid}/transfer")
    assert (response.status_code, again.status_code) == (202, 409)
    assert viewer.args("transfer status") == ["processing", "cancelling", "failure"]
    assert viewer.args("transfer logs")[-1] == "The transfer failed: It was cancelled."
    assert (await source.details(uuid))["is_transferring"] is False
    assert pair.told(uuid) == [("source", "failure", 409)]
    assert uuid not in pair.under_way(source)
    await source.until(lambda: listener.closed)
    assert (await source.call("POST", f"/api/servers/{uuid}/install")).status_code == 202
    await source.until(lambda: len(source.peer.installs[uuid]) == 2)


@pytest.mark.long
async def test_server_that_does_not_stop_is_neither_killed_nor_moved(pair: Any, listener: Any) -> None:
    uuid = await pair.server()
    await pair.source.power(uuid, "start", "running")
    await pair.source.tell(uuid, "stubborn", "do while true; do sleep 1; done")
    await pair.source.says(uuid, "will not stop")

    response = await pair.start(uuid, url=listener.url)

    assert (response.status_code, response.json()["error"]) == (500, "The server did not stop within 15 s.")
    assert pair.source.container(uuid)["State"]["Running"] is True
    details = await pair.source.details(uuid)
    assert (details["state"], details["is_transferring"], listener.opened) == ("stopping", False, 0)
    assert (pair.told(uuid), uuid in pair.under_way(pair.source)) == ([], False)
    await pair.source.power(uuid, "kill", "offline")


async def test_unreachable_node_leaves_the_server_where_it_is(pair: Any, closed_port: int) -> None:
    uuid = await pair.server(file=b"content")

    response = await pair.start(uuid, url=f"http://127.0.0.1:{closed_port}/api/transfers")
    await pair.source.until(lambda: pair.told(uuid))

    assert response.status_code == 202
    assert pair.told(uuid) == [("source", "failure", 204)]
    await pair.source.until(lambda: uuid not in pair.under_way(pair.source))
    assert (await pair.source.details(uuid))["is_transferring"] is False


async def test_server_that_is_not_here_or_not_moving_answers_so(pair: Any, new_uuid: str) -> None:
    uuid = await pair.server()
    body = {"url": "http://127.0.0.1:9/api/transfers", "token": "Bearer x"}

    unknown = await pair.source.call("POST", f"/api/servers/{new_uuid}/transfer", body)
    malformed = await pair.source.call("POST", f"/api/servers/{uuid}/transfer", {"url": "file:///x", "token": "x"})
    not_sending = await pair.source.call("DELETE", f"/api/servers/{uuid}/transfer")
    not_receiving = await pair.target.call("DELETE", f"/api/transfers/{uuid}")
    stranger = await pair.source.call("POST", f"/api/servers/{uuid}/transfer", body, token="x")
    nobody = await pair.target.call("DELETE", f"/api/transfers/{uuid}", token="")

    statuses = [one.status_code for one in (unknown, malformed, not_sending, not_receiving, stranger, nobody)]
    assert statuses == [404, 400, 409, 409, 403, 401]


async def test_server_moves_to_a_node_behind_tls(pair: Any, make_node: Any, some_bytes: bytes, tmp_path: Path) -> None:
    make_authority(tmp_path).issue(100, tmp_path)
    source, target = (make_node(_made(tmp_path / name), pair.desk.peer) for name in ("source", "target"))
    source.environment = {"SSL_CERT_FILE": str(tmp_path / "authority.pem")}
    files = {"enabled": True, "cert": str(tmp_path / "cert.pem"), "key": str(tmp_path / "key.pem")}
    target.configure(api=target.config["api"] | {"ssl": files})
    target.url = target.url.replace("http:", "https:")
    secured = type(pair)(source, target, pair.desk)
    try:
        await source.start()
        await target.start()
        uuid = await secured.server(file=some_bytes)
        await secured.start(uuid)
        await source.until(lambda: pair.desk.transfers[uuid].state != "running")

        assert secured.told(uuid) == [("target", "success", 204)]
        assert (target.volume(uuid) / "file").read_bytes() == some_bytes
    finally:
        for node in (source, target):
            await node.clean()
            await node.end()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


async def test_reason_of_a_refusal_is_seen_though_much_was_still_to_be_sent(pair: Any, some_bytes: bytes) -> None:
    uuid = await pair.server(noise=some_bytes * 200)
    pair.desk.peer.servers[uuid]["settings"]["build"]["disk_space"] = 5

    async with pair.source.socket(uuid, pair.source.token(uuid, "*", "admin.websocket.transfer")) as viewer:
        await pair.start(uuid)
        await pair.source.until(lambda: viewer.has("transfer status", "failure"))

    reason = "The server's files take more than its disk limit of 5 MiB allows."
    refusal = f"The transfer failed: The other node refused with status 500: {reason}"
    assert (viewer.args("transfer logs")[-1], pair.desk.reasons[uuid]) == (refusal, reason)


@pytest.mark.long
async def test_progress_is_told_every_five_seconds(pair: Any, listener: Any, some_bytes: bytes) -> None:
    uuid = await pair.server(file=some_bytes)
    async with pair.source.socket(uuid, pair.source.token(uuid, "*", "admin.websocket.transfer")) as viewer:
        await pair.start(uuid, url=listener.url)
        await pair.source.until(lambda: len(viewer.args("transfer logs")) == 3)
        await pair.source.call("DELETE", f"/api/servers/{uuid}/transfer")

    assert viewer.args("transfer logs")[:3] == [
        "Sending 0.3 MiB to the other node.",
        *["0.3 MiB of 0.3 MiB (100 %)"] * 2,
    ]


async def test_memory_of_both_agents_stays_flat(pair: Any, some_bytes: bytes) -> None:
    uuid = await pair.server(noise=some_bytes * 150)
    with (pair.source.volume(uuid) / "zeros").open("wb") as zeros:
        zeros.truncate(192 * MIB)
    before = [_peak_bytes(node) for node in (pair.source, pair.target)]

    await pair.start(uuid)
    await pair.source.until(lambda: pair.desk.transfers[uuid].state != "running")

    grown = [_peak_bytes(node) - at_first for node, at_first in zip((pair.source, pair.target), before, strict=True)]
    assert (pair.target.volume(uuid) / "zeros").stat().st_size == 192 * MIB
    assert max(grown) < 48 * MIB


def _peak_bytes(node: Any) -> int:
    """The most memory an agent ever took."""
    text = Path(f"/proc/{node.process.pid}/status").read_text()
    return int(text.partition("VmHWM:")[2].split()[0]) * 1024
