"""Browsers without a browser, for tests of pages: cookies, the proof of the page before, forms."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from muntin.accounts.models import AccountRow
from muntin.accounts.sessions import Device, open_session
from muntin.app import PanelApp
from muntin.database import transaction
from muntin.roles.models import USER_ID
from muntin.testing.callers import People

PROOF = re.compile(r'name="csrf-token" content="([^"]*)"')
ADDRESS = "198.51.100.1"
FORM = "application/x-www-form-urlencoded"
Fields = Mapping[str, Any]
"""Name -> what is posted: anything with a text, or a sequence of such for a field that is there more than once."""
Files = Mapping[str, tuple[str, bytes]]
"""Field -> name and content of a file."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a browser was answered.

    Attributes:
        html: The page as it was sent.
        path: Where the browser was sent on to; empty when it was not.
    """

    status: int
    html: str
    path: str
    headers: Mapping[str, str]

    @property
    def text(self) -> str:
        """The page, entities resolved."""
        return unescape(self.html)


@dataclass(slots=True)
class Visitor:
    """Somebody with a browser: keeps cookies, sends the proof of the page before.

    Attributes:
        account: Who is signed in; `None` for a stranger.
        address: Where the requests come from.
    """

    app: PanelApp
    account: AccountRow | None = None
    address: str = ADDRESS
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def account_id(self) -> UUID:
        """Of whoever is signed in."""
        assert self.account is not None  # noqa: S101 - tests ask it of those they signed in
        return self.account.id

    async def get(self, path: str, **headers: str) -> Shown:
        """Open a page."""
        return await self.ask("GET", path, None, headers)

    async def post(self, path: str, fields: Fields | None = None, *, proof: str | None = None, **headers: str) -> Shown:
        """Send a form; the proof is that of this session unless one is given."""
        body = urlencode({"csrf_token": await self.proof() if proof is None else proof, **(fields or {})}, doseq=True)
        return await self.ask("POST", path, body.encode(), {"Content-Type": FORM, **headers})

    async def upload(self, path: str, fields: Fields, files: Files, *, proof: str | None = None) -> Shown:
        """Send a form with files, as browsers do it where scripts are off."""
        token = await self.proof() if proof is None else proof
        boundary = f"----{secrets.token_hex(8)}"
        body = _multipart({"csrf_token": token, **fields}, files, boundary)
        return await self.ask("POST", path, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})

    async def follow(self, shown: Shown) -> Shown:
        """Go where the answer sends the browser."""
        return await self.get(shown.path)

    async def proof(self) -> str:
        """The proof that a page of this session holds."""
        for path in ("/nothing-here", "/forgot-password"):  # strangers are sent to sign in instead of a 404
            found = PROOF.search((await self.get(path)).text)
            if found:
                return found.group(1)
        raise AssertionError("No page holds a proof.")

    async def ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Shown:
        """One request with the cookies so far."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()} | {"Accept": "text/html"}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        response = await self.app.test_client(use_cookies=False).open(  # type: ignore[call-arg]  # json has a default
            path, method=method, headers=sent, data=body, scope_base={"client": (self.address, 1234)}
        )
        self._keep(response.headers.getlist("Set-Cookie"))
        html = (await response.get_data(as_text=False)).decode()
        where = response.headers.get("Location", response.headers.get("HX-Redirect", ""))
        titled = {name.title(): value for name, value in response.headers.items()}
        return Shown(response.status_code, html, where, titled)

    def _keep(self, cookies: Sequence[str]) -> None:
        for cookie in cookies:
            name, _equals, value = cookie.split(";")[0].partition("=")
            self.cookies[name] = value
            if not value:
                del self.cookies[name]


async def visitor(people: People, app: PanelApp, username: str, role_id: int = USER_ID) -> Visitor:
    """A browser that is signed in; the account is made if it is not there."""
    row = await AccountRow.get_or_none(username_key=username).select_related("role")
    row = row or await people.add(username, role_id=role_id)
    async with transaction():
        opened = await open_session(row, ADDRESS, Device(kind="web", user_agent="tests", remember=True))
    return Visitor(app, row, cookies={"muntin": opened.secret})


def _multipart(fields: Fields, files: Files, boundary: str) -> bytes:
    parts = []
    for name, values in fields.items():
        sent = [values] if isinstance(values, str) else values
        parts += [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode() for value in sent]
    for name, (file_name, data) in files.items():
        head = f'Content-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n\r\n'
        parts.append(head.encode() + data)
    edge = f"--{boundary}".encode()
    return b"\r\n".join([line for part in parts for line in (edge, part)] + [edge + b"--", b""])
