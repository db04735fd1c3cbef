"""Disabling and enabling a plugin in a running panel: two web processes and a worker, on SQLite."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from .clients import Api
from .programs import EMAIL, PASSWORD, Program, until

pytestmark = pytest.mark.timeout(180)

WITHIN_S = 1.0
"""It takes milliseconds; but all of the panel's processes share the machine with the other tests."""
VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PATHS = ("/api/v1/servers", "/api/v1/admin/servers", "/api/v1/admin/nests", "/api/remote/servers", "/servers")
PROCESSES = ("web.1", "web.2")
VISITORS = 3
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


def process_of(program: Program, connection_port: int) -> str:
    """Name of the web process that serves the connection a client made from a port."""
    ours = f":{int(program.url.rpartition(':')[2]):04X}"
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _number, local, remote, *_rest = columns = line.split()
        if local.endswith(ours) and remote.endswith(f":{connection_port:04X}"):
            return next(iter(_holders(program, columns[9])), "")
    return ""


def _holders(program: Program, inode: str) -> Iterator[str]:
    for name, pid in program.pids("web").items():
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            try:
                if str(entry.readlink()) == f"socket:[{inode}]":
                    yield name
            except FileNotFoundError:
                continue


@dataclass
class Visitor:
    """One connection, which stays with one process, and what it was answered on it."""

    http: httpx.AsyncClient
    process: str = ""
    seen: list[tuple[float, int]] = field(default_factory=list)  # when it was asked, and the status

    @classmethod
    @asynccontextmanager
    async def of(cls, program: Program, token: str) -> AsyncIterator[Self]:
        """A program with an API key."""
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=program.url, headers=headers, limits=limits, trust_env=False) as http:
            response = await http.get("/api/v1/health")
            port = response.extensions["network_stream"].get_extra_info("client_addr")[1]
            yield cls(http, process_of(program, port))

    def answered(self, since: float, until_: float) -> set[int]:
        """The statuses of what was asked in a span of time."""
        return {status for asked_at, status in self.seen if since <= asked_at < until_}

    async def ask_on(self) -> None:
        """Ask for the servers until cancelled."""
        while True:
            asked_at = time.time()
            self.seen.append((asked_at, (await self.http.get("/api/v1/servers")).status_code))
            await asyncio.sleep(0.06)


@dataclass
class Watcher:
    """A console that stays open."""

    connection: ClientConnection
    process: str
    closed_at: float = 0.0
    code: int | None = None

    async def wait(self) -> None:
        """Until it is closed."""
        try:
            async for _message in self.connection:
                pass
        except ConnectionClosed:
            pass
        self.closed_at, self.code = time.time(), self.connection.close_code


@dataclass
class Panel:
    """The running panel, with one server and somebody on the pages."""

    program: Program
    session: Api
    pages: httpx.AsyncClient
    server_id: str

    async def key(self) -> str:
        """A new API key."""
        return (await self.session.with_own_key()).token

    async def switch(self, command: str) -> float:
        """`muntin plugin enable|disable gameservers`; when it had answered."""
        await self.program.command("plugin", command, "gameservers")
        return time.time()

    async def contents(self) -> dict[str, Any]:
        """Everything the plugin keeps, as far as the API shows it."""
        nests = await self.session.get("/admin/nests")
        return {
            "servers": await self.session.get("/admin/servers"),
            "nests": nests,
            "eggs": [await self.session.get(f"/admin/nests/{nest['id']}/eggs") for nest in nests],
        }

    async def menu(self) -> set[str]:
        """Where the menu of the start page leads."""
        page = await self.pages.get("/")
        assert page.status_code == 200
        return set(re.findall(r'href="(/[^"]*)"', page.text))

    def worker_said(self, words: str) -> float:
        """When the worker wrote a line that ends so; 0 while it has not."""
        for line in self.program.log.read_text().splitlines():
            if words in line and '"process":"worker.1"' in line:
                return datetime.fromisoformat(json.loads(line)["time"]).timestamp()
        return 0.0


async def sign_in_to_pages(http: httpx.AsyncClient, url: str) -> None:
    """As a browser does it."""
    form = await http.get("/sign-in")
    proof = CSRF.search(form.text)
    sent = {"email": EMAIL, "password": PASSWORD} | ({"csrf_token": proof[1]} if proof else {})
    answer = await http.post("/sign-in", data=sent, headers={"Origin": url})
    assert answer.status_code == 303, answer.text


async def order_server(session: Api) -> str:
    """A server on a node that is not there: what the panel stores of it is enough here."""
    node = await session.post(
        "/admin/nodes",
        {"name": "away", "fqdn": "127.0.0.1", "scheme": "http", "daemon_port": 9, "memory": 1024, "disk": 1024},
    )
    ports = await session.post(f"/admin/nodes/{node['id']}/allocations", {"ip": "192.0.2.1", "ports": [27015]})
    nests = await session.get("/admin/nests")
    eggs = await session.get(f"/admin/nests/{nests[0]['id']}/eggs")
    wanted = {
        "name": "Stored", "user_id": (await session.get("/admin/users"))[0]["id"], "egg_id": eggs[0]["id"],
        "allocation_id": ports[0]["id"], "memory": 128,
    }  # fmt: skip
    server_id = str((await session.post("/admin/servers", wanted))["id"])

    async def problem() -> str:
        return str((await session.get(f"/admin/servers/{server_id}"))["problem"])

    await until(problem, every_s=0.3, what="the panel's notice that the node is away")
    return server_id


@pytest.fixture(scope="module")
async def panel(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Panel]:
    """Two web processes and a worker."""
    variables = {"MUNTIN_WEB_PROCESSES": "2", "MUNTIN_LOG_FORMAT": "json"}
    program = Program(tmp_path_factory.mktemp("switch"), variables)
    try:
        await program.start()
        async with (
            await Api.sign_in(program.url) as session,
            httpx.AsyncClient(base_url=program.url, trust_env=False) as pages,
        ):
            await sign_in_to_pages(pages, program.url)
            await until(lambda: "eggs of our own" in program.log.read_text(), what="the eggs that come with the plugin")
            yield Panel(program, session, pages, await order_server(session))
    finally:
        await program.stop()


async def visitors(panel: Panel, stack: AsyncExitStack) -> list[Visitor]:
    """Connections to both web processes."""
    found = []
    for process in PROCESSES:
        keys = [await panel.key() for _number in range(VISITORS)]
        with panel.program.only(process):
            found += [await stack.enter_async_context(Visitor.of(panel.program, key)) for key in keys]
    assert [visitor.process for visitor in found] == [name for name in PROCESSES for _number in range(VISITORS)]
    return found


async def watchers(panel: Panel, stack: AsyncExitStack) -> list[Watcher]:
    """An open console in each web process."""
    found = []
    for process in PROCESSES:
        ticket = await panel.session.post(f"/servers/{panel.server_id}/ws-ticket")
        with panel.program.only(process):
            connection = await stack.enter_async_context(connect(ticket["url"], proxy=None))
        found.append(Watcher(connection, process_of(panel.program, connection.local_address[1])))
    assert [watcher.process for watcher in found] == [*PROCESSES]
    return found


async def test_disabled_plugin_is_gone_everywhere_at_once_and_enabled_again_is_as_it_was(panel: Panel) -> None:
    before, menu_before = await panel.contents(), await panel.menu()
    async with AsyncExitStack() as stack:
        asking, watching = await visitors(panel, stack), await watchers(panel, stack)
        tasks = [asyncio.create_task(one.ask_on()) for one in asking]
        closing = [asyncio.create_task(one.wait()) for one in watching]

        await until(lambda: all(one.seen for one in asking), what="the first answers")
        disabling_at = time.time()
        disabled_at = await panel.switch("disable")
        await asyncio.wait(closing, timeout=30)
        menu_meanwhile = await panel.menu()
        await asyncio.sleep(WITHIN_S + 0.3)
        enabling_at = time.time()
        enabled_at = await panel.switch("enable")
        await asyncio.sleep(WITHIN_S + 0.3)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

        for one in asking:
            assert one.answered(0, disabling_at) == {200}, one.process
            assert one.answered(disabled_at + WITHIN_S, enabling_at) == {404}, one.process
            assert one.answered(enabled_at + WITHIN_S, time.time()) == {200}, one.process
            assert one.answered(0, time.time()) == {200, 404}, one.process
        for watcher in watching:
            assert watcher.code == 4404, watcher.process
            assert watcher.closed_at <= disabled_at + WITHIN_S, watcher.process
    for words, at in (("Plugin gameservers is disabled", disabled_at), ("Plugin gameservers is enabled", enabled_at)):
        assert 0 < panel.worker_said(words) <= at + WITHIN_S
    assert {"/servers", "/admin/servers", "/admin/eggs"} & menu_before
    assert not {"/servers", "/admin/servers", "/admin/eggs"} & menu_meanwhile
    assert await panel.menu() == menu_before
    assert await panel.contents() == before


async def test_disabled_plugin_answers_404_to_every_verb_in_every_process(panel: Panel) -> None:
    await panel.switch("disable")
    try:
        async with AsyncExitStack() as stack:
            answers = {
                (visitor.process, verb, path): (await visitor.http.request(verb, path)).status_code
                for visitor in await visitors(panel, stack)
                for verb in VERBS
                for path in PATHS
            }
    finally:
        await panel.switch("enable")

    assert {key: status for key, status in answers.items() if status != 404} == {}
