from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
import yaml
from pydantic import BaseModel
from quart import Blueprint, Response, request, websocket

from muntin_node.access import public, state_of
from muntin_node.bodies import json_body, max_body
from muntin_node.config_store import ConfigStore
from muntin_node.context import NodeContext
from muntin_node.contributions import NodeHalf, RunningHalf
from muntin_node.errors import Conflict, TokenRefused

CORS = {
    "access-control-allow-origin": "https://panel.example.com",
    "access-control-allow-credentials": "true",
    "access-control-allow-methods": "GET, POST, PATCH, PUT, DELETE, OPTIONS",
    "access-control-allow-headers": "Accept, Accept-Encoding, Authorization, Cache-Control, Content-Type, "
    "Content-Length, Origin, X-Real-IP, X-CSRF-Token",
    "access-control-max-age": "7200",
}


class State:
    def __init__(self) -> None:
        self.deauthorized: list[tuple[str, tuple[str, ...]]] = []
        self.configured: list[str] = []


class EchoIn(BaseModel):
    name: str
    count: int


def routes() -> tuple[Blueprint, ...]:
    blueprint = Blueprint("demo", __name__)

    @blueprint.get("/demo/state")
    async def state() -> dict[str, Any]:
        return {"deauthorized": state_of(State).deauthorized, "configured": state_of(State).configured}

    @blueprint.post("/demo/echo")
    async def echo() -> dict[str, Any]:
        return (await json_body(EchoIn)).model_dump()

    @blueprint.post("/demo/upload")
    @public
    @max_body(lambda: 20_000_000)
    async def upload() -> dict[str, int]:
        return {"bytes": sum([len(chunk) async for chunk in request.body])}

    @blueprint.post("/demo/upload-whole")
    @public
    @max_body(lambda: 20_000_000)
    async def upload_whole() -> dict[str, int]:
        return {"bytes": len(await request.get_data(as_text=False))}

    @blueprint.post("/demo/slow-upload")
    @public
    @max_body(lambda: 200_000_000)
    async def slow_upload() -> Response:
        async for _ in request.body:
            await asyncio.sleep(0.8)
            break
        return Response(status=204)

    @blueprint.get("/demo/<what>")
    async def fail(what: str) -> Response:
        errors = {"busy": Conflict(), "token": TokenRefused("jwt: exp claim is invalid"), "bug": RuntimeError("canary")}
        raise errors[what]

    @blueprint.websocket("/demo/ws")
    @public
    async def chat() -> None:
        await websocket.accept()
        while True:
            await websocket.send("echo " + str(await websocket.receive()))

    @blueprint.websocket("/demo/deaf")
    @public
    async def deaf() -> None:
        await websocket.accept()
        await asyncio.sleep(60)

    @blueprint.websocket("/demo/guarded")
    async def guarded() -> None:
        await websocket.accept()
        await websocket.send("hello")

    return (blueprint,)


async def start(context: NodeContext) -> RunningHalf:
    state = State()

    async def deauthorize(user: str, servers: tuple[str, ...]) -> None:
        state.deauthorized.append((user, servers))

    async def configure(config: Any) -> None:
        state.configured.append(config.token)

    return RunningHalf(state=state, deauthorize=deauthorize, configure=configure)


DEMO = NodeHalf(name="demo", version="1", start=start, routes=routes)


@pytest.fixture
async def agent(start_agent: Callable[..., Any], tmp_path: Path) -> AsyncIterator[Any]:
    async with start_agent(
        [DEMO],
        path=tmp_path / "node.yml",
        remote="https://panel.example.com",
        allowed_origins=["https://other.example.com"],
    ) as running:
        yield running


async def test_the_short_facts_have_the_five_keys(agent: Any) -> None:
    response = await agent.call("GET", "/api/system")

    body = response.json()
    assert (response.status_code, sorted(body)) == (
        200,
        ["architecture", "cpu_count", "kernel_version", "os", "version"],
    )
    assert (body["os"], body["version"]) == ("linux", "0.1.0")


async def test_the_detailed_facts_have_the_form_of_the_contract(agent: Any) -> None:
    body = (await agent.call("GET", "/api/system?v=2")).json()

    assert {key: sorted(value) if isinstance(value, dict) else value for key, value in body.items()} == {
        "version": "0.1.0",
        "docker": ["cgroups", "containers", "runc", "storage", "version"],
        "system": ["architecture", "cpu_threads", "kernel_version", "memory_bytes", "os", "os_type"],
    }


async def test_utilization_addresses_and_diagnostics_answer(agent: Any) -> None:
    utilization = (await agent.call("GET", "/api/system/utilization")).json()
    addresses = (await agent.call("GET", "/api/system/ips")).json()
    report = await agent.call("GET", "/api/diagnostics?log_lines=5&include_logs=true")

    assert sorted(utilization) == [
        "cpu_percent", "disk_details", "disk_total", "disk_used", "load_average1", "load_average15", "load_average5",
        "memory_total", "memory_used", "swap_total", "swap_used",
    ]  # fmt: skip
    assert sorted(utilization["disk_details"][0]) == ["device", "mountpoint", "tags", "total_space", "used_space"]
    assert list(addresses) == ["ip_addresses"]
    assert report.headers["content-type"].startswith("text/plain")
    assert "panel.example.com" not in report.text
    assert "panel.example.com" in (await agent.call("GET", "/api/diagnostics?include_endpoints=true")).text


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (None, 401),
        ("", 401),
        ("Bearer", 401),
        ("bearer t0ken" + "x" * 59, 401),
        ("Basic t0ken", 401),
        ("Bearer wrong", 403),
        ("Bearer é", 403),
        ("Bearer abcdefgh12345678.t0ken" + "x" * 59, 403),
        ("Bearer t0ken" + "x" * 59, 200),
    ],
)
async def test_every_route_wants_the_nodes_token(agent: Any, authorization: str | None, status: int) -> None:
    headers = {} if authorization is None else {"Authorization": authorization.encode()}

    for path in ("/api/system", "/demo/state"):
        response = await agent.call("GET", path, token=None, headers=headers)
        assert response.status_code == status
        assert (response.headers.get("www-authenticate") == "Bearer") is (status == 401)
        if status != 200:
            assert response.json() == {
                "error": response.json()["error"],
                "request_id": response.headers["x-request-id"],
            }


async def test_every_answer_carries_request_id_cors_and_who_answers(agent: Any) -> None:
    responses = [
        await agent.call("GET", "/api/system"),
        await agent.call("GET", "/none"),
        await agent.call("DELETE", "/api/system"),
        await agent.call("GET", "/api/system", token="wrong"),
        await agent.call("GET", "/demo/bug"),
        await agent.call("OPTIONS", "/whatever", token=None),
    ]

    assert [response.status_code for response in responses] == [200, 404, 405, 403, 500, 204]
    for response in responses:
        assert {name: response.headers[name] for name in CORS} == CORS
        assert response.headers["user-agent"] == "Pelican Wings/v0.1.0 (id:abcdefgh12345678)"
        assert uuid.UUID(response.headers["x-request-id"]).version == 4


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://other.example.com", "https://other.example.com"),
        ("https://evil.example.com", "https://panel.example.com"),
    ],
)
async def test_only_listed_origins_are_allowed(agent: Any, origin: str, allowed: str) -> None:
    response = await agent.call("GET", "/api/system", headers={"Origin": origin})

    assert response.headers["access-control-allow-origin"] == allowed


async def test_errors_have_one_form_and_a_bug_tells_nothing(agent: Any) -> None:
    responses = [await agent.call("GET", f"/demo/{what}") for what in ("busy", "token", "bug")]

    assert [(response.status_code, response.json()["error"]) for response in responses] == [
        (409, "Something else is being done with this object."),
        (500, "jwt: exp claim is invalid"),
        (500, "An unexpected error was encountered while processing this request"),
    ]


@pytest.mark.parametrize(
    ("body", "names"),
    [(b"", "body"), (b"{", "body"), (b'{"name": 5, "count": 1}', "name"), (b'{"name": "x"}', "count"), (b"[]", "body")],
)
async def test_bad_input_names_the_field(agent: Any, body: bytes, names: str) -> None:
    response = await agent.call("POST", "/demo/echo", content=body)

    assert response.status_code == 400
    assert f"{names}: " in response.json()["error"]
    assert (await agent.call("POST", "/demo/echo", json={"name": "x", "count": 2})).json() == {"name": "x", "count": 2}


async def test_bodies_are_bounded_with_and_without_a_declared_length(agent: Any) -> None:
    async def parts(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield bytes(100_000)

    declared = await agent.call("POST", "/demo/echo", content=b"x" * 1_100_000)
    chunked = await agent.call("POST", "/demo/echo", content=parts(30))

    assert [(item.status_code, item.json()["error"]) for item in (declared, chunked)] == [
        (413, "The request body is too large.")
    ] * 2


@pytest.mark.parametrize("path", ["/demo/upload", "/demo/upload-whole"])
async def test_a_view_may_take_more_and_reads_it_in_parts_or_whole(agent: Any, path: str) -> None:
    good = await agent.call("POST", path, token=None, content=b"x" * 19_000_000)
    large = await agent.call("POST", path, token=None, content=b"x" * 21_000_000)

    assert (good.status_code, good.json()) == (200, {"bytes": 19_000_000})
    assert large.status_code == 413


async def test_a_client_waits_while_a_view_has_not_read_what_came(agent: Any) -> None:
    host, port = agent.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /demo/slow-upload HTTP/1.1\r\nHost: x\r\nContent-Length: 150000000\r\n\r\n")
    sent = 0

    try:
        async with asyncio.timeout(0.7):
            while sent < 100_000_000:
                writer.write(b"x" * 1_000_000)
                await writer.drain()
                sent += 1_000_000
    except TimeoutError:
        pass
    writer.transport.abort()

    assert sent < 30_000_000  # the rest waits in the sender: socket buffers, not the agent's memory


async def test_headers_are_bounded(agent: Any) -> None:
    response = await agent.call("GET", "/api/system", headers={"X-Long": "x" * 100_000})

    assert response.status_code in (400, 431)


async def test_update_changes_listed_keys_only_and_credentials_hold_at_once(agent: Any, tmp_path: Path) -> None:
    change = {
        "debug": False,
        "token": "n" * 64,
        "token_id": "new0000000000000",
        "api": {"upload_limit": 5, "trusted_proxies": ["0.0.0.0/0"], "disable_remote_download": True},
        "system": {"data": "/etc", "root_directory": "/", "sftp": {"bind_port": 2222, "read_only": True}},
        "allowed_mounts": ["/"],
        "remote": "https://evil.example.com",
        "docker": {"network": {"name": "host"}},
        "muntin": {"halves": []},
    }

    response = await agent.call("POST", "/api/update", json=change)

    assert (response.status_code, response.json()) == (200, {"applied": True})
    config = agent.agent.store.current
    assert (config.token, config.token_id, config.api.upload_limit) == ("n" * 64, "new0000000000000", 5)
    assert config.system.sftp.bind_port == 2222
    untouched = (config.remote, config.allowed_mounts, config.api.trusted_proxies, config.api.disable_remote_download)
    assert untouched == ("https://panel.example.com", (), (), False)
    assert (config.system.data, config.system.sftp.read_only) == (tmp_path / "node" / "volumes", False)
    assert (config.docker.network.name, config.muntin.halves) == ("muntin_nw", None)
    assert yaml.safe_load((tmp_path / "node.yml").read_text())["token"] == "n" * 64
    assert (await agent.call("GET", "/api/system")).status_code == 403
    state = (await agent.call("GET", "/demo/state", token="n" * 64)).json()
    assert state["configured"] == ["n" * 64]


async def test_update_keeps_the_nodes_own_letsencrypt_paths(agent: Any) -> None:
    ssl = {"cert": "/own/cert.pem", "key": "/own/key.pem"}
    await agent.call("POST", "/api/update", json={"api": {"ssl": ssl}})

    guessed = {"enabled": False, "cert": "/etc/letsencrypt/live/x/c.pem", "key": "/etc/letsencrypt/live/x/k.pem"}
    await agent.call("POST", "/api/update", json={"api": {"ssl": guessed}})

    assert agent.agent.store.current.api.ssl.model_dump() == {"enabled": False} | ssl


@pytest.mark.parametrize(
    "body", [b"", b"x", b"[]", b'{"api": {"port": "x"}}', b'{"token": ""}', b'{"token": 5}', b'{"api": {"port": 0}}']
)
async def test_a_bad_update_changes_nothing(agent: Any, body: bytes) -> None:
    before = agent.agent.store.current

    response = await agent.call("POST", "/api/update", content=body)

    assert response.status_code == 400
    assert agent.agent.store.current is before


async def test_update_is_ignored_where_the_operator_said_so(start_agent: Callable[..., Any]) -> None:
    async with start_agent(ignore_panel_config_updates=True) as agent:
        response = await agent.call("POST", "/api/update", json={"token": "n" * 64})

        assert response.json() == {"applied": False}
        assert (await agent.call("GET", "/api/system")).status_code == 200


async def test_an_update_that_cannot_be_written_does_not_hold(agent: Any, tmp_path: Path) -> None:
    (tmp_path / "node.yml").mkdir()

    response = await agent.call("POST", "/api/update", json={"token": "n" * 64})

    assert response.status_code == 500
    assert (await agent.call("GET", "/api/system")).status_code == 200


async def test_deauthorizing_a_user_denies_tokens_and_tells_the_halves(agent: Any, sign: Callable[..., str]) -> None:
    token = sign(permissions=["*"], iat=int(time.time()), exp=int(time.time()) + 600)

    response = await agent.call("POST", "/api/deauthorize-user", json={"user": "user-1", "servers": ["server-1"]})

    assert (response.status_code, response.content) == (204, b"")
    state = (await agent.call("GET", "/demo/state")).json()
    assert state["deauthorized"] == [["user-1", ["server-1"]]]
    from muntin_node.tokens import Purpose

    with pytest.raises(TokenRefused):
        agent.agent.tokens.verify(token, Purpose.WEBSOCKET)
    assert (await agent.call("POST", "/api/deauthorize-user", json={"user": "x"})).status_code == 400


async def test_websockets_talk_and_guarded_ones_want_the_token(agent: Any) -> None:
    address = agent.url.replace("http", "ws")

    async with websockets.connect(f"{address}/demo/ws") as socket:
        await socket.send("hi")
        assert await socket.recv() == "echo hi"
    refused = []
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        with pytest.raises(websockets.InvalidStatus) as error:
            await websockets.connect(f"{address}/demo/guarded", additional_headers=headers)
        refused.append((error.value.response.status_code, "error" in json.loads(error.value.response.body or b"{}")))
    headers = {"Authorization": "Bearer t0ken" + "x" * 59}
    async with websockets.connect(f"{address}/demo/guarded", additional_headers=headers) as socket:
        assert await socket.recv() == "hello"

    assert refused == [(401, True), (403, True)]


async def test_a_client_that_floods_a_view_is_dropped(agent: Any) -> None:
    async with websockets.connect(agent.url.replace("http", "ws") + "/demo/deaf") as socket:
        with pytest.raises(websockets.ConnectionClosed) as closed:
            for number in range(100_000):
                await socket.send("x" * 100)
                await asyncio.sleep(0.01 if number % 100 == 99 else 0)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


async def test_a_frame_that_is_too_large_ends_the_connection(agent: Any) -> None:
    async with websockets.connect(agent.url.replace("http", "ws") + "/demo/ws") as socket:
        await socket.send("x" * 100_000)
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()


async def test_open_websockets_are_closed_with_1012_at_the_end(agent: Any) -> None:
    async with (
        websockets.connect(agent.url.replace("http", "ws") + "/demo/ws") as first,
        websockets.connect(agent.url.replace("http", "ws") + "/demo/deaf") as second,
    ):
        await agent.stop()
        await asyncio.wait_for(asyncio.gather(first.wait_closed(), second.wait_closed()), 30)

    assert (first.close_code, second.close_code) == (1012, 1012)


async def test_state_of_a_half_that_does_not_run_is_unavailable(store: ConfigStore) -> None:
    from muntin_node.app import create_app
    from muntin_node.halves import Halves
    from muntin_node.tokens import NodeTokens

    app = create_app(store, Halves([DEMO]), NodeTokens(store), started_only=False)
    client = app.test_client()

    response = await client.get("/demo/state", headers={"Authorization": f"Bearer {store.current.token}"})

    assert response.status_code == 503


async def test_requests_that_are_no_http_do_not_disturb(agent: Any) -> None:
    host, port = agent.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))

    writer.write(b"\x16\x03\x01\x00\xa5 junk\r\n\r\n")
    await asyncio.wait_for(reader.read(), 30)
    writer.close()

    assert (await agent.call("GET", "/api/system")).status_code == 200
    assert isinstance(httpx.URL(agent.url), httpx.URL)
