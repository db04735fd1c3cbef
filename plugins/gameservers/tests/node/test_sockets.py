from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
async def uuid(node: Any) -> str:
    return str(await node.running())


async def test_socket_greets_with_state_and_carries_figures_and_console(node: Any, uuid: str) -> None:
    async with node.socket(uuid, node.token(uuid, "*")) as viewer:
        await node.until(lambda: viewer.has("stats"))
        await viewer.send("send command", "do echo hello-$((40+2))")
        await node.until(lambda: viewer.has("console output", "hello-42"))

    assert [frame["event"] for frame in viewer.frames[:2]] == ["auth success", "status"]
    assert viewer.args("status") == ["running"]
    figures = json.loads(viewer.args("stats")[0])
    assert (figures["state"], figures["memory_limit_bytes"]) == ("running", 74 * 1024 * 1024)
    assert all(len(frame["args"]) == 1 for frame in viewer.frames if frame["event"] == "console output")


async def test_offline_server_sends_its_figures_at_once(node: Any) -> None:
    uuid = await node.install()

    async with node.socket(uuid, node.token(uuid, "websocket.connect")) as viewer:
        await node.until(lambda: viewer.has("stats"))

    assert viewer.args("status") == ["offline"]


async def test_socket_sets_the_state_and_the_panel_hears_who_did(node: Any) -> None:
    uuid = await node.install()
    user = str(uuid4())
    token = node.token(uuid, "websocket.connect", "control.start", user_uuid=user)

    async with node.socket(uuid, token) as viewer:
        await viewer.send("set state", "start")
        await node.until(lambda: viewer.has("status", "running"))
        await viewer.send("set state", "kill")
        await viewer.send("send command", "stop")
        await asyncio.sleep(0.5)

    assert viewer.args("status") == ["offline", "starting", "running"]
    rows = await node.until(lambda: [row for row in node.peer.activity if row["server"] == uuid])
    assert [(row["event"], row["user"], row["ip"]) for row in rows] == [("server:power.start", user, "127.0.0.1")]


async def test_frames_before_a_token_are_refused(node: Any, uuid: str) -> None:
    async with node.socket(uuid) as viewer:
        await viewer.send("send logs")
        await node.until(lambda: viewer.has("jwt error"))

    assert viewer.frames == [{"event": "jwt error", "args": ["jwt: no jwt present"]}]


@pytest.mark.parametrize(
    ("claims", "event", "text"),
    [
        ({"permissions": ["control.start"]}, "jwt error", "jwt: missing connect permission"),
        ({"exp": 1}, "jwt error", "jwt: exp claim is invalid"),
        ({"iat": 1}, "jwt error", "jwt: created too far in past (denylist)"),
        ({"iat": 1.5}, "daemon error", "An unexpected error"),
    ],
)
async def test_token_that_does_not_hold_is_refused(
    node: Any, uuid: str, claims: dict[str, Any], event: str, text: str
) -> None:
    async with node.socket(uuid) as viewer:
        await viewer.send("auth", node.token(uuid, "*", **claims))
        await node.until(lambda: viewer.has(event, text))

    assert [frame["event"] for frame in viewer.frames] == [event]


async def test_token_of_another_server_shows_nothing(node: Any, uuid: str) -> None:
    async with node.socket(uuid, node.token(str(uuid4()), "*")) as viewer:
        await viewer.send("send logs")
        await node.until(lambda: len(viewer.args("jwt error")) == 2)

    assert {frame["event"] for frame in viewer.frames} == {"auth success", "jwt error"}
    assert set(viewer.args("jwt error")) == {"jwt: server uuid mismatch"}


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
async def test_page_of_another_origin_may_not_connect(node: Any, uuid: str, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with node.socket(uuid, origin=origin):
            pass

    assert refused.value.response.status_code == 403


async def test_unknown_server_is_404_before_the_upgrade(node: Any) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with node.socket(str(uuid4())):
            pass

    assert refused.value.response.status_code == 404


async def test_denied_token_stops_working_on_an_open_socket_and_a_new_one_goes_on(node: Any, uuid: str) -> None:
    jti = uuid4().hex
    async with node.socket(uuid, node.token(uuid, "*", jti=jti)) as viewer:
        response = await node.call("POST", f"/api/servers/{uuid}/ws/deny", {"jtis": [jti]})
        await node.until(lambda: viewer.has("jwt error"))
        seen = len(viewer.args("stats"))
        await asyncio.sleep(1.3)
        after_denial = len(viewer.args("stats")) - seen
        await viewer.send("auth", node.token(uuid, "*"))
        await node.until(lambda: len(viewer.args("stats")) > seen)

    assert response.status_code == 204
    assert viewer.args("jwt error") == ["jwt: created too far in past (denylist)"]
    assert after_denial == 0


async def test_socket_of_a_deauthorised_user_is_closed(node: Any, uuid: str) -> None:
    user = str(uuid4())
    async with node.socket(uuid, node.token(uuid, "*", user_uuid=user)) as viewer:
        response = await node.call("POST", "/api/deauthorize-user", {"user": user, "servers": [uuid]})
        await node.until(lambda: viewer.has("jwt error"))
        await asyncio.wait_for(viewer.connection.wait_closed(), 30)

    assert response.status_code == 204
    assert viewer.connection.close_code == 4401


async def test_expiring_token_is_announced(node: Any, uuid: str) -> None:
    import time

    async with node.socket(uuid, node.token(uuid, "*", exp=int(time.time()) + 50)) as viewer:
        await node.until(lambda: viewer.has("token expiring"))

    assert viewer.args("jwt error") == []


async def test_thirty_first_socket_is_refused(node: Any) -> None:
    uuid = await node.install()
    sockets = [node.socket(uuid) for _ in range(30)]
    for socket in sockets:
        await socket.__aenter__()

    with pytest.raises(InvalidStatus) as refused:
        async with node.socket(uuid):
            pass

    for socket in sockets:
        await socket.__aexit__(None, None, None)
    assert refused.value.response.status_code == 400


async def test_large_frame_closes_the_socket(node: Any, uuid: str) -> None:
    async with node.socket(uuid, node.token(uuid, "*")) as viewer:
        await viewer.send("send command", "x" * 5000)
        await asyncio.wait_for(viewer.connection.wait_closed(), 30)

    assert viewer.connection.close_code == 1009


async def test_too_many_messages_are_throttled(node: Any, uuid: str) -> None:
    async with node.socket(uuid, node.token(uuid, "*")) as viewer:

        async def throttled() -> bool:
            for _ in range(20):
                await viewer.send("send stats")
            return bool(viewer.has("throttled", "global"))

        await node.until(throttled)

    assert set(viewer.args("throttled")) == {"send stats", "global"}


async def test_junk_is_ignored(node: Any, uuid: str) -> None:
    async with node.socket(uuid, node.token(uuid, "*")) as viewer:
        for junk in ("{", "[]", '{"event": 1}', '{"event": "nonsense", "args": []}', "null"):
            await viewer.connection.send(junk)
        await viewer.connection.send(b"\x00\x01")
        await viewer.send("send stats")
        await node.until(lambda: viewer.has("stats"))

    assert viewer.args("daemon error") == []


async def test_logs_are_replayed_line_by_line(node: Any, uuid: str) -> None:
    await node.ask(uuid, "echo once-upon")

    async with node.socket(uuid, node.token(uuid, "*")) as viewer:
        await viewer.send("send logs")
        await node.until(lambda: viewer.has("console output", "once-upon"))
        await node.until(lambda: any("game starts" in line for line in viewer.args("console output")))


async def test_numbered_socket_resumes_without_gap_or_repetition(node: Any) -> None:
    uuid = await node.running()

    async with node.socket(uuid, node.token(uuid, "*"), query="?muntin=1") as first:
        await first.send("send logs")
        await node.tell(uuid, "do seq 1 300")
        await node.until(lambda: first.has("console output", "300"))
    last = max(frame["seq"] + len(frame["args"]) - 1 for frame in first.frames if "seq" in frame)
    await node.tell(uuid, "do seq 301 600; echo all-$((1+1))")
    await node.says(uuid, "all-2")
    async with node.socket(uuid, node.token(uuid, "*"), query="?muntin=1") as second:
        await second.send("send logs", str(last))
        await node.until(lambda: second.has("console output", "600"))

    frames = [frame for viewer in (first, second) for frame in viewer.frames if "seq" in frame]
    lines: dict[int, str] = {}
    for frame in frames:
        lines |= dict(enumerate(frame["args"], frame["seq"]))
    assert sorted(lines) == list(range(min(lines), max(lines) + 1))
    numbers = [int(lines[seq]) for seq in sorted(lines) if lines[seq].isdigit()]
    assert numbers == list(range(1, 601))
    assert max(len(frame["args"]) for frame in frames) > 10
    assert min(frame["seq"] for frame in second.frames if "seq" in frame) == last + 1


async def test_flood_of_lines_is_thinned_with_one_notice(node: Any) -> None:
    uuid = await node.running()

    async with node.socket(uuid, node.token(uuid, "*")) as viewer:
        await viewer.send("send command", "do seq 1 100000")
        await node.until(lambda: viewer.has("console output", "faster than they can be shown"))
        async with asyncio.timeout(60):
            while not viewer.has("console output", "calm-1 again"):  # lines said while it floods are lost like others
                await viewer.send("send command", "do echo calm-$((1)) again")
                await asyncio.sleep(1)

    assert len(viewer.args("console output")) < 100_000


async def test_deletion_closes_sockets(node: Any) -> None:
    uuid = await node.install()

    async with node.socket(uuid, node.token(uuid, "*")) as viewer:
        await node.call("DELETE", f"/api/servers/{uuid}")
        await asyncio.wait_for(viewer.connection.wait_closed(), 30)

    assert viewer.args("deleted") == ["null"]
    assert viewer.connection.close_code == 1001


async def test_suspension_closes_sockets_and_refuses_new_ones(node: Any) -> None:
    uuid = await node.install()
    node.peer.servers[uuid]["settings"]["suspended"] = True

    async with node.socket(uuid, node.token(uuid, "*")) as viewer:
        await node.call("POST", f"/api/servers/{uuid}/sync")
        await asyncio.wait_for(viewer.connection.wait_closed(), 30)
    async with node.socket(uuid) as late:
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(late.connection.wait_closed(), 30)
            await late.connection.send("x")

    assert (viewer.connection.close_code, late.connection.close_code) == (4409, 4409)
