"""Browsers without a browser: a cookie, the proof of the page before, and forms; rows from the panel's own tests."""

from __future__ import annotations

import itertools
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest

from muntin.accounts.models import AccountRow
from muntin.accounts.sessions import Device, open_session
from muntin.app import PanelApp
from muntin.database import transaction
from muntin.nodes.credentials import seal
from muntin.nodes.models import NodeRow
from muntin.panel import Panel
from muntin.roles.models import ADMIN_ID, MODERATOR_ID, USER_ID
from muntin.testing.callers import People
from muntin_gameservers.eggs.reading import read_egg
from muntin_gameservers.models import AllocationRow, EggRow, NestRow, ServerRow, SubuserRow
from muntin_gameservers.nests.stored import columns_of

PROOF = re.compile(r'name="csrf-token" content="([^"]*)"')
ADDRESS = "198.51.100.1"
VARIABLES = (
    {"name": "Slots", "env_variable": "SLOTS", "default_value": "8", "user_viewable": True, "user_editable": True,
     "rules": "required|integer|between:1,64", "field_type": "text", "description": "Players at once."},
    {"name": "Map", "env_variable": "MAP", "default_value": "dm1", "user_viewable": True, "user_editable": False,
     "rules": "required|string", "field_type": "text", "description": ""},
    {"name": "Night", "env_variable": "NIGHT", "default_value": "1", "user_viewable": True, "user_editable": True,
     "rules": "required|in:0,1", "field_type": "text", "description": ""},
    {"name": "Key", "env_variable": "LICENCE", "default_value": "abc", "user_viewable": False, "user_editable": True,
     "rules": "nullable|string", "field_type": "text", "description": ""},
)  # fmt: skip
ENVIRONMENT = {"SLOTS": "8", "MAP": "dm1", "NIGHT": "1", "LICENCE": "abc"}


def document(name: str, **changes: Any) -> dict[str, Any]:
    """An egg file of the format PTDL_v2, parsed."""
    config = {"files": "{}", "startup": json.dumps({"done": "listening"}), "logs": "{}", "stop": "quit"}
    script = {"script": "#!/bin/sh\ntrue\n", "container": "example.test/sh", "entrypoint": "sh"}
    return {
        "meta": {"version": "PTDL_v2", "update_url": None},
        "exported_at": "2024-01-02T03:04:05+00:00",
        "name": name,
        "author": "eggs@example.test",
        "description": "Repeats what it hears.",
        "features": ["eula"],
        "docker_images": {"Two": "example.test/echo:2", "One": "example.test/echo:1"},
        "file_denylist": [],
        "startup": "./echo -p {{SERVER_PORT}} -s {{SLOTS}}",
        "config": config,
        "scripts": {"installation": script},
        "variables": [dict(one) for one in VARIABLES],
        "x_unknown": {"kept": [1, None]},
    } | changes


@dataclass(frozen=True, slots=True)
class Shown:
    """What a browser was answered; `text` has its entities resolved, `path` is where it was sent on to."""

    status: int
    text: str
    path: str
    headers: Mapping[str, str]


@dataclass(slots=True)
class Visitor:
    """Somebody with a browser."""

    app: PanelApp
    account: AccountRow | None = None
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def account_id(self) -> UUID:
        assert self.account is not None
        return self.account.id

    async def get(self, path: str, **headers: str) -> Shown:
        """Open a page."""
        return await self.ask("GET", path, None, headers)

    async def post(self, path: str, fields: Mapping[str, Any] | None = None, *, proof: str | None = None) -> Shown:
        """Send a form with the proof of this session, or with another one."""
        body = urlencode({"csrf_token": await self.proof() if proof is None else proof, **(fields or {})}, doseq=True)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self.ask("POST", path, body.encode(), headers)

    async def follow(self, shown: Shown) -> Shown:
        """Go where the answer sends the browser."""
        return await self.get(shown.path)

    async def proof(self) -> str:
        """The proof that a page of this session holds."""
        found = PROOF.search((await self.get("/sign-in" if self.account is None else "/servers")).text)
        assert found is not None
        return found.group(1)

    async def ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Shown:
        sent = {name.replace("_", "-"): value for name, value in headers.items()} | {"Accept": "text/html"}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        response = await self.app.test_client(use_cookies=False).open(  # type: ignore[call-arg]  # json has a default
            path, method=method, headers=sent, data=body, scope_base={"client": (ADDRESS, 1234)}
        )
        for cookie in response.headers.getlist("Set-Cookie"):
            name, _equals, value = cookie.split(";")[0].partition("=")
            self.cookies[name] = value
        text = unescape((await response.get_data(as_text=False)).decode())
        where = response.headers.get("Location", response.headers.get("HX-Redirect", ""))
        return Shown(
            response.status_code, text, where, {name.title(): value for name, value in response.headers.items()}
        )


class Made:
    """Makes rows, each with names and numbers of its own."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    async def node(self, **values: Any) -> NodeRow:
        """A node with 16 GiB of memory that nobody listens for."""
        given = {"fqdn": "127.0.0.1", "scheme": "http", "daemon_port": 9, "memory_mib": 16384, "disk_mib": 100_000}
        name = f"node {next(self._numbers)}"
        return await NodeRow.create(
            **{**given, "name": name, "token_id": secrets.token_hex(8), "token": seal("t" * 64), **values}
        )

    async def nest(self) -> NestRow:
        """An empty nest."""
        return await NestRow.create(name=f"nest {next(self._numbers)}", author="tests")

    async def egg(self, nest: NestRow | None = None, **changes: Any) -> EggRow:
        """An egg as if imported from `document`."""
        nest = nest or await self.nest()
        data = json.dumps(document(f"egg {next(self._numbers)}", **changes)).encode()
        return await EggRow.create(nest_id=nest.id, **columns_of(read_egg(data)))

    async def port(self, node: NodeRow, server: ServerRow | None = None, **values: Any) -> AllocationRow:
        """An address of the node, free or given to the server."""
        given = {"ip": "192.0.2.1", "port": 20_000 + next(self._numbers), "server_id": server.id if server else None}
        return await AllocationRow.create(node_id=node.id, **{**given, **values})

    async def server(self, owner_id: UUID, **values: Any) -> ServerRow:
        """A server that is installed, with a primary address."""
        node = values.pop("node", None) or await self.node()
        egg = values.pop("egg", None) or await self.egg()
        given = {
            "name": f"server {next(self._numbers)}",
            "memory_mib": 512,
            "disk_mib": 1024,
            "image": "example.test/echo:2",
            "startup": "./echo -p {{SERVER_PORT}} -s {{SLOTS}}",
            "environment": dict(ENVIRONMENT),
            "stage": "ready",
        }
        row = await ServerRow.create(
            short_id=secrets.token_hex(4), owner_id=owner_id, node_id=node.id, egg_id=egg.id, **{**given, **values}
        )
        row.allocation_id = (await self.port(node, row)).id
        await row.save()
        return row

    async def share(self, server: ServerRow, visitor: Visitor, *permissions: str) -> None:
        """Let somebody do these things with a server."""
        await SubuserRow.create(server_id=server.id, account_id=visitor.account_id, permissions=list(permissions))


@pytest.fixture(scope="session")
def panel_plugins() -> Sequence[str]:
    """Only game servers."""
    return ("gameservers",)


@pytest.fixture(scope="module")
def made(panel: Panel) -> Made:
    """Makes rows."""
    return Made()


async def visitor(people: People, app: PanelApp, username: str, role_id: int = USER_ID) -> Visitor:
    """A browser that is signed in; the account is made if it is not there."""
    row = await AccountRow.get_or_none(username_key=username).select_related("role")
    row = row or await people.add(username, role_id=role_id)
    async with transaction():
        opened = await open_session(row, ADDRESS, Device(kind="web", user_agent="tests", remember=True))
    return Visitor(app, row, {"__Host-muntin": opened.secret, "muntin": opened.secret})


@pytest.fixture(scope="module")
async def boss(people: People, app: PanelApp) -> Visitor:
    """An administrator with a browser."""
    return await visitor(people, app, "boss", ADMIN_ID)


@pytest.fixture(scope="module")
async def moderator(people: People, app: PanelApp) -> Visitor:
    """A moderator with a browser: sees all servers, changes none."""
    return await visitor(people, app, "warden", MODERATOR_ID)


@pytest.fixture(scope="module")
async def owner(people: People, app: PanelApp) -> Visitor:
    """A plain account with a browser, whose servers the tests make."""
    return await visitor(people, app, "owner")


@pytest.fixture(scope="module")
async def friend(people: People, app: PanelApp) -> Visitor:
    """Another plain account, with whom servers are shared."""
    return await visitor(people, app, "friend")


@pytest.fixture(scope="module")
async def other(people: People, app: PanelApp) -> Visitor:
    """A plain account that has nothing to do with any server."""
    return await visitor(people, app, "other")


@pytest.fixture(scope="module")
def nobody(app: PanelApp) -> Visitor:
    """A browser of a stranger."""
    return Visitor(app)
