"""Browsers without a browser: a cookie, a proof, and forms."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urlencode

import pytest

from muntin.accounts.models import AccountRow
from muntin.accounts.sessions import Device, open_session
from muntin.app import PanelApp
from muntin.database import transaction
from muntin.roles.models import ADMIN_ID, USER_ID
from muntin.testing.callers import People

CSRF = re.compile(r'name="csrf-token" content="([^"]*)"')
Fields = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a browser was answered.

    Attributes:
        text: The page, entities resolved.
        path: Where it was sent on to; empty when it was not.
    """

    status: int
    text: str
    path: str
    headers: Mapping[str, str]


@dataclass(slots=True)
class Visitor:
    """Somebody with a browser: keeps cookies, sends the proof of the page before."""

    app: PanelApp
    account: AccountRow | None = None
    address: str = "198.51.100.1"
    cookies: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **headers: str) -> Shown:
        """Open a page."""
        return await self._ask("GET", path, None, headers)

    async def post(self, path: str, fields: Fields | None = None, *, proof: str | None = None, **headers: str) -> Shown:
        """Send a form; the proof is taken from a page unless one is given."""
        if proof is None:
            found = CSRF.search((await self._ask("GET", "/nothing-here", None, {})).text)
            proof = found.group(1) if found else await self._proof()
        body = urlencode({"csrf_token": proof, **(fields or {})}, doseq=True)
        return await self._ask("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded", **headers})

    async def follow(self, shown: Shown) -> Shown:
        """Go where the answer sends the browser."""
        return await self.get(shown.path)

    async def _proof(self) -> str:
        found = CSRF.search((await self._ask("GET", "/forgot-password", None, {})).text)
        assert found is not None
        return found.group(1)

    async def _ask(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> Shown:
        sent = {name.replace("_", "-"): value for name, value in headers.items()} | {"Accept": "text/html"}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        response = await self.app.test_client(use_cookies=False).open(  # type: ignore[call-arg]  # json has a default
            path, method=method, headers=sent, data=body, scope_base={"client": (self.address, 1234)}
        )
        for cookie in response.headers.getlist("Set-Cookie"):
            name, _equals, value = cookie.split(";")[0].partition("=")
            self.cookies[name] = value
            if not value:
                del self.cookies[name]
        text = unescape((await response.get_data(as_text=False)).decode())
        where = response.headers.get("Location", response.headers.get("HX-Redirect", ""))
        return Shown(
            response.status_code, text, where, {name.title(): value for name, value in response.headers.items()}
        )


async def visitor(people: People, app: PanelApp, username: str, role_id: int = USER_ID) -> Visitor:
    """A browser that is signed in; the account is made if it is not there."""
    row = await AccountRow.get_or_none(username_key=username).select_related("role")
    row = row or await people.add(username, role_id=role_id)
    async with transaction():
        opened = await open_session(row, "198.51.100.1", Device(kind="web", user_agent="tests", remember=True))
    return Visitor(app, row, cookies={"muntin": opened.secret})


@pytest.fixture
async def boss(people: People, app: PanelApp) -> Visitor:
    """An administrator with a browser."""
    return await visitor(people, app, "boss", ADMIN_ID)


@pytest.fixture
async def guest(people: People, app: PanelApp) -> Visitor:
    """A plain account with a browser."""
    return await visitor(people, app, "guest")


@pytest.fixture
def nobody(app: PanelApp) -> Visitor:
    """A browser of a stranger."""
    return Visitor(app)
