"""What a node takes from another one, and what it refuses without leaving anything behind."""

from __future__ import annotations

import asyncio
import hashlib
import tarfile
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

pytestmark = pytest.mark.docker
FOLDER = {"type": tarfile.DIRTYPE}


async def test_archive_of_another_daemon_is_taken(pair: Any, packed: Any, part: Any) -> None:
    uuid = pair.announce()
    content = packed(
        ("./a/b/file", {"mode": 0o640, "mtime": 1_000_000_000}, b"text"), ("./", FOLDER, b""), ("./e/", FOLDER, b"")
    )
    checksum = hashlib.sha256(content).hexdigest()

    response = await pair.upload(
        uuid, part(content), part("checksum_archive", checksum), part("install_logs", "unused")
    )

    assert (response.status_code, response.content) == (200, b"")
    folder = pair.target.volume(uuid)
    facts = (folder / "a" / "b" / "file").stat()
    assert (facts.st_mode & 0o7777, facts.st_mtime, (folder / "e").is_dir()) == (0o640, 1_000_000_000, True)
    assert {entry.stat().st_uid for entry in folder.rglob("*")} == {folder.stat().st_uid}
    assert pair.told(uuid) == [("target", "success", 204)]
    assert (await pair.target.details(uuid))["is_transferring"] is False


async def test_tokens_that_are_for_something_else_are_refused(pair: Any, form: Any, packed: Any, new_uuid: str) -> None:
    uuid = pair.announce()
    parts = form(packed(("file", {}, b"x")))
    now = int(time.time())
    tokens = {
        "expired": pair.token(uuid, iat=now - 1000, exp=now - 1),
        "of another node": pair.token(uuid, key=pair.source.secret),
        "for a websocket": pair.token(uuid, scope="websocket", server_uuid=uuid, user_uuid=new_uuid),
        "for no server": pair.token("../../etc"),
        "the node's own": f"Bearer {pair.target.secret}",
        "none": "Basic x",
    }

    statuses = {what: (await pair.upload(uuid, *parts, token=token)).status_code for what, token in tokens.items()}

    assert statuses == {
        "expired": 500,
        "of another node": 500,
        "for a websocket": 403,
        "for no server": 500,
        "the node's own": 500,
        "none": 401,
    }
    assert (pair.told(uuid), await pair.leaves_nothing(uuid)) == ([], True)


async def test_server_that_the_panel_does_not_move_here_is_refused(pair: Any, form: Any, packed: Any) -> None:
    uuid = pair.announce()
    pair.desk.transfers[uuid].state = "failed"

    response = await pair.upload(uuid, *form(packed(("file", {}, b"x"))))

    assert response.status_code == 500
    assert pair.told(uuid) == [("target", "failure", 409)]
    assert await pair.leaves_nothing(uuid)


async def test_server_that_is_here_already_is_not_overwritten(pair: Any, form: Any, packed: Any) -> None:
    uuid, parts = pair.announce(), form(packed(("file", {}, b"first")))
    assert (await pair.upload(uuid, *parts)).status_code == 200
    pair.desk.forget(uuid)
    pair.open(uuid)

    again = await pair.upload(uuid, *form(packed(("file", {}, b"second"))))

    assert (again.status_code, pair.told(uuid)) == (409, [])
    assert (pair.target.volume(uuid) / "file").read_bytes() == b"first"


async def test_folder_that_nobody_knows_is_not_overwritten(pair: Any, form: Any, packed: Any) -> None:
    uuid = pair.announce()
    pair.target.volume(uuid).mkdir()
    (pair.target.volume(uuid) / "file").write_text("somebody's")

    response = await pair.upload(uuid, *form(packed(("file", {}, b"x"))))

    assert response.json()["error"] == (
        "The node has a folder of a server with this uuid already; it is not overwritten."
    )
    assert (pair.target.volume(uuid) / "file").read_text() == "somebody's"


async def test_of_two_transfers_of_a_server_the_second_is_refused(pair: Any, form: Any, packed: Any) -> None:
    uuid, parts = pair.announce(), form(packed(("file", {}, b"x")))
    first = _Slow(pair, uuid, b"".join(parts))
    async with first:
        await pair.target.until(lambda: uuid in pair.under_way(pair.target))
        second = await pair.upload(uuid, *parts)
        between = pair.told(uuid)
        first.go_on.set()
        answer = await first.answer

    assert (second.status_code, between, answer.status_code) == (409, [], 200)
    assert (pair.target.volume(uuid) / "file").read_bytes() == b"x"


class _Slow:
    """A request that stops in the middle until it is told to go on."""

    def __init__(self, pair: Any, uuid: str, content: bytes) -> None:
        self._pair, self._uuid, self._content = pair, uuid, content
        self.go_on = asyncio.Event()

    async def _chunks(self) -> AsyncIterator[bytes]:
        middle = len(self._content) // 2
        yield self._content[:middle]
        await self.go_on.wait()
        yield self._content[middle:] + b"--boundary-of-tests--\r\n"

    async def __aenter__(self) -> None:
        headers = {
            "Authorization": self._pair.token(self._uuid),
            "Content-Type": "multipart/form-data; boundary=boundary-of-tests",
        }
        url = f"{self._pair.target.url}/api/transfers"
        post = self._pair.target.http.post(url, headers=headers, content=self._chunks(), timeout=60)
        self.answer = asyncio.create_task(post)

    async def __aexit__(self, *_: object) -> None:
        self.answer.cancel()
        await asyncio.gather(self.answer, return_exceptions=True)


async def test_cancelled_arrival_leaves_nothing(pair: Any, form: Any, packed: Any, some_bytes: bytes) -> None:
    uuid = pair.announce()
    async with _Slow(pair, uuid, b"".join(form(packed(("file", {}, some_bytes * 4))))) as _:
        await pair.target.until(lambda: (pair.target.volume(uuid) / "file").exists())
        pair.desk.transfers[uuid].state = "failed"
        response = await pair.target.call("DELETE", f"/api/transfers/{uuid}")
        await pair.target.until(lambda: pair.leaves_nothing(uuid))

    assert response.status_code == 202
    assert (await pair.target.call("DELETE", f"/api/transfers/{uuid}")).status_code == 409


async def test_source_that_goes_away_in_the_middle_leaves_nothing(
    pair: Any, form: Any, packed: Any, some_bytes: bytes
) -> None:
    uuid = pair.announce()
    async with _Slow(pair, uuid, b"".join(form(packed(("file", {}, some_bytes * 4))))):
        await pair.target.until(lambda: (pair.target.volume(uuid) / "file").exists())

    await pair.target.until(lambda: pair.told(uuid))
    assert pair.told(uuid) == [("target", "failure", 204)]
    await pair.target.until(lambda: pair.leaves_nothing(uuid))


async def test_server_deleted_while_it_arrives_leaves_nothing(
    pair: Any, form: Any, packed: Any, some_bytes: bytes
) -> None:
    uuid = pair.announce()
    slow = _Slow(pair, uuid, b"".join(form(packed(("file", {}, some_bytes * 4)))))
    async with slow:
        await pair.target.until(lambda: (pair.target.volume(uuid) / "file").exists())
        response = await pair.target.call("DELETE", f"/api/servers/{uuid}")
        await pair.target.until(lambda: pair.leaves_nothing(uuid))
        slow.go_on.set()
        answer = await slow.answer

    assert (response.status_code, pair.told(uuid)) == (404, [])
    assert answer.json()["error"] == "The server was deleted meanwhile."


async def test_server_deleted_before_the_panel_answered_stays_deleted(pair: Any, form: Any, packed: Any) -> None:
    uuid = pair.announce()
    pair.desk.silent.add("success")
    sending = asyncio.create_task(pair.upload(uuid, *form(packed(("file", {}, b"x")))))
    await pair.target.until(lambda: pair.told(uuid))

    response = await pair.target.call("DELETE", f"/api/servers/{uuid}")
    answer = await sending

    assert (response.status_code, answer.json()["error"]) == (204, "The server was deleted meanwhile.")
    await pair.target.until(lambda: pair.leaves_nothing(uuid))


async def test_server_that_the_panel_gave_up_meanwhile_is_removed(pair: Any, form: Any, packed: Any) -> None:
    uuid = pair.announce()
    slow = _Slow(pair, uuid, b"".join(form(packed(("file", {}, b"x")))))
    async with slow:
        await pair.target.until(lambda: uuid in pair.under_way(pair.target))
        pair.desk.transfers[uuid].state = "failed"
        slow.go_on.set()
        answer = await slow.answer

    assert (answer.status_code, answer.json()["error"]) == (
        500,
        "The panel does not want the server on this node any more.",
    )
    assert ("target", "success", 409) in pair.told(uuid)
    assert await pair.leaves_nothing(uuid)


async def test_report_whose_answer_is_lost_is_repeated_and_the_server_stays(pair: Any, form: Any, packed: Any) -> None:
    uuid = pair.announce()
    pair.desk.lossy.add("success")
    sending = asyncio.create_task(pair.upload(uuid, *form(packed(("file", {}, b"x")))))
    await pair.target.until(lambda: len(pair.told(uuid)) == 2)
    locked = await pair.target.details(uuid)
    pair.desk.lossy.clear()

    answer = await sending

    assert (answer.status_code, pair.desk.owners[uuid]) == (200, pair.target.token_id)
    assert (locked["is_transferring"], (await pair.target.details(uuid))["is_transferring"]) == (True, False)
    assert uuid not in pair.under_way(pair.target)
