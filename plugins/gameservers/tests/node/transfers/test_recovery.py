"""Agents that are killed in the middle: no half server, nothing left over, never without a copy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

pytestmark = pytest.mark.docker


@pytest.fixture(autouse=True)
async def _both_run(pair: Any) -> AsyncIterator[None]:
    """The agents run again after every test."""
    yield
    pair.desk.silent.clear()
    pair.desk.lossy.clear()
    for node in (pair.source, pair.target):
        if node.process is None:
            await node.start()


class _Gate:
    """A way from node to node that stops after some bytes, so that a transfer can be caught in the middle."""

    def __init__(self, target_url: str, pass_bytes: int) -> None:
        self._host, _, port = target_url.removeprefix("http://").partition(":")
        self._port = int(port)
        self._left = pass_bytes
        self.is_shut = asyncio.Event()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream = await asyncio.open_connection(self._host, self._port)
        back = asyncio.create_task(self._copy_back(upstream_reader, writer))
        try:
            while data := await reader.read(16_384):
                if self._left <= 0:
                    self.is_shut.set()
                    continue
                self._left -= len(data)
                upstream.write(data)
                await upstream.drain()
        except ConnectionError:
            pass
        finally:
            upstream.close()
            await back
            writer.close()

    async def _copy_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(16_384):
                writer.write(data)
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def __aenter__(self) -> _Gate:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/api/transfers"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()


async def _is_free(node: Any, uuid: str) -> bool:
    details = await node.details(uuid)
    return details.get("is_transferring") is False


@pytest.mark.parametrize("kill", [False, True], ids=["terminated", "killed"])
async def test_target_that_ends_in_the_middle_leaves_no_half_server(pair: Any, some_bytes: bytes, kill: bool) -> None:
    uuid = await pair.server(file=some_bytes * 10)
    async with _Gate(pair.target.url, 1_000_000) as gate:
        await pair.start(uuid, url=gate.url)
        await gate.is_shut.wait()
        await pair.target.until(lambda: (pair.target.volume(uuid) / "file").exists())
        await pair.target.end(kill=kill)

    await pair.source.until(lambda: _is_free(pair.source, uuid))
    left_by_the_dead = (pair.target.volume(uuid) / "file").exists()
    await pair.target.start()
    await pair.target.until(lambda: pair.leaves_nothing(uuid))

    assert left_by_the_dead or not kill
    assert sum(report[1:] == ("failure", 204) for report in pair.told(uuid)) == 1
    assert (pair.desk.owners[uuid], pair.desk.transfers[uuid].state) == (pair.source.token_id, "failed")
    assert (pair.source.volume(uuid) / "file").read_bytes() == some_bytes * 10


async def test_killed_source_has_its_server_again_and_the_target_leaves_nothing(pair: Any, some_bytes: bytes) -> None:
    uuid = await pair.server(file=some_bytes * 10)
    async with _Gate(pair.target.url, 1_000_000) as gate:
        await pair.start(uuid, url=gate.url)
        await gate.is_shut.wait()
        await pair.source.end(kill=True)

        await pair.target.until(lambda: pair.leaves_nothing(uuid))
        journal = pair.under_way(pair.source)
        await pair.source.start()

    assert uuid in journal
    await pair.source.until(lambda: _is_free(pair.source, uuid))
    await pair.source.until(lambda: uuid not in pair.under_way(pair.source))
    assert pair.desk.reasons[uuid] == "The other node broke the transfer off."
    assert (await pair.start(uuid)).status_code == 202
    await pair.source.until(lambda: pair.desk.transfers[uuid].state == "succeeded")
    assert (pair.target.volume(uuid) / "file").read_bytes() == some_bytes * 10


@pytest.mark.parametrize("kind", ["silent", "lossy"])
async def test_target_killed_before_the_report_was_answered_reports_again(
    pair: Any, some_bytes: bytes, kind: str
) -> None:
    uuid = await pair.server(file=some_bytes)
    getattr(pair.desk, kind).update({"success"})
    pair.desk.silent.add("failure")
    await pair.start(uuid)
    await pair.target.until(lambda: any(report[1] == "success" for report in pair.told(uuid)))
    await pair.target.end(kill=True)
    getattr(pair.desk, kind).clear()
    pair.desk.silent.add("failure")

    await pair.target.start()

    assert (pair.desk.owners[uuid], pair.desk.transfers[uuid].state) == (pair.target.token_id, "succeeded")
    assert (pair.target.volume(uuid) / "file").read_bytes() == some_bytes
    assert await _is_free(pair.target, uuid)
    assert uuid not in pair.under_way(pair.target)
    assert (await pair.source.details(uuid))["is_transferring"] is True
    assert (pair.source.volume(uuid) / "file").read_bytes() == some_bytes
    pair.desk.silent.clear()
    assert (await pair.source.call("DELETE", f"/api/servers/{uuid}")).status_code == 204


async def test_target_killed_with_a_whole_server_that_is_not_wanted_any_more_removes_it(pair: Any) -> None:
    uuid = await pair.server(file=b"x")
    pair.desk.silent.add("success")
    await pair.start(uuid)
    await pair.target.until(lambda: any(report[1] == "success" for report in pair.told(uuid)))
    await pair.target.end(kill=True)
    pair.desk.silent.clear()
    await pair.source.until(lambda: _is_free(pair.source, uuid))

    await pair.target.start()
    await pair.target.until(lambda: pair.leaves_nothing(uuid))

    assert pair.desk.owners[uuid] == pair.source.token_id
    assert (pair.source.volume(uuid) / "file").read_bytes() == b"x"


async def test_source_killed_after_it_sent_everything_waits_for_its_deletion(pair: Any) -> None:
    uuid = await pair.server(file=b"x")
    await pair.start(uuid)
    await pair.source.until(lambda: pair.desk.transfers[uuid].state == "succeeded")

    await pair.source.end(kill=True)
    await pair.source.start()
    unknown = await pair.source.call("GET", f"/api/servers/{uuid}")
    kept = (pair.source.volume(uuid) / "file").read_bytes()
    deletion = await pair.source.call("DELETE", f"/api/servers/{uuid}")

    assert (unknown.status_code, kept, deletion.status_code) == (404, b"x", 404)
    await pair.source.until(lambda: not list(pair.source.folder.rglob(f"*{uuid}*")))
    await pair.source.until(lambda: uuid not in pair.under_way(pair.source))


async def test_source_killed_while_the_target_works_on_loses_or_keeps_as_the_panel_says(
    pair: Any, some_bytes: bytes
) -> None:
    uuid = await pair.server(file=some_bytes)
    pair.desk.silent.add("success")
    await pair.start(uuid)
    await pair.target.until(lambda: any(report[1] == "success" for report in pair.told(uuid)))
    await pair.source.end(kill=True)
    pair.desk.silent.clear()

    await pair.target.until(lambda: pair.desk.transfers[uuid].state == "succeeded")
    await pair.source.start()

    assert await _is_free(pair.target, uuid)
    assert (await pair.source.call("GET", f"/api/servers/{uuid}")).status_code == 404
    assert (pair.source.volume(uuid) / "file").read_bytes() == some_bytes
    assert uuid in pair.under_way(pair.source)


async def test_panel_that_is_away_at_the_end_keeps_the_source_locked_until_it_answers(
    pair: Any, closed_port: int
) -> None:
    uuid = await pair.server(file=b"x")
    pair.desk.silent.add("failure")
    await pair.start(uuid, url=f"http://127.0.0.1:{closed_port}/api/transfers")
    await pair.source.until(lambda: len(pair.told(uuid)) > 1)
    locked = await pair.source.details(uuid)
    pair.desk.silent.clear()

    await pair.source.until(lambda: _is_free(pair.source, uuid))

    assert locked["is_transferring"] is True
    assert pair.told(uuid)[-1] == ("source", "failure", 204)


async def test_container_of_another_node_is_neither_taken_over_nor_removed(pair: Any, form: Any, packed: Any) -> None:
    uuid = await pair.server()
    await pair.source.power(uuid, "start", "running")
    container = pair.source.container(uuid)
    pair.open(uuid)
    assert (await pair.upload(uuid, *form(packed(("file", {}, b"x"))))).status_code == 200

    await pair.target.call("POST", f"/api/servers/{uuid}/power", {"action": "start"})
    await pair.target.says(uuid, "is already in use by container")
    await pair.target.end(kill=True)
    await pair.target.start()
    found = (await pair.target.details(uuid))["state"]
    deletion = await pair.target.call("DELETE", f"/api/servers/{uuid}")

    assert (found, deletion.status_code) == ("offline", 204)
    after = pair.source.container(uuid)
    assert (after["Id"], after["State"]["Running"], after["State"]["StartedAt"]) == (
        container["Id"],
        True,
        container["State"]["StartedAt"],
    )
    await pair.source.power(uuid, "kill", "offline")


@pytest.mark.long
@pytest.mark.parametrize("silent", [("success",), ("success", "failure")], ids=["target", "both"])
async def test_panel_that_is_away_for_long_decides_when_it_is_back(pair: Any, silent: tuple[str, ...]) -> None:
    uuid = await pair.server(file=b"x")
    pair.desk.silent.update(silent)
    await pair.start(uuid)
    await pair.source.until(lambda: any(report[1] == "failure" for report in pair.told(uuid)), timeout_s=90)
    pair.desk.silent.clear()

    await pair.target.until(lambda: uuid not in pair.under_way(pair.target), timeout_s=90)
    await pair.source.until(lambda: pair.desk.transfers[uuid].state != "running")

    owner = pair.target if pair.desk.owners[uuid] == pair.target.token_id else pair.source
    assert (owner.volume(uuid) / "file").read_bytes() == b"x"
    await owner.until(lambda: _is_free(owner, uuid), timeout_s=90)
    assert owner is pair.target or await pair.leaves_nothing(uuid)
    assert owner is pair.source or (await pair.source.details(uuid))["is_transferring"] is True
