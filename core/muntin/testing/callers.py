"""People and programs that ask the panel over HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from werkzeug.datastructures import Headers

from muntin.access import Actor
from muntin.accounts import passwords, tokens
from muntin.accounts.models import AccountRow, AccountStatus
from muntin.accounts.registration import add_account
from muntin.accounts.sessions import Device, OpenedSession, open_session
from muntin.api.json import dumps
from muntin.app import PanelApp
from muntin.database import transaction
from muntin.roles.models import USER_ID

PASSWORD = "correct horse battery"  # noqa: S105 - of accounts that live for one test
_hashes: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered.

    Attributes:
        body: Parsed JSON, or the bytes where it is none.
    """

    status: int
    body: Any
    headers: Headers

    @property
    def data(self) -> Any:
        """What stands under `data`."""
        return self.body["data"]

    @property
    def code(self) -> str:
        """The code of an error."""
        return str(self.body["error"]["code"])


@dataclass(slots=True)
class Caller:
    """Somebody who sends requests, from an address, and perhaps with a token.

    Attributes:
        account: Whose token it is; `None` for strangers and nodes.
    """

    app: PanelApp
    token: str | None = None
    address: str = "198.51.100.1"
    account: AccountRow | None = None
    session: OpenedSession | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def account_id(self) -> UUID:
        """The id of the account."""
        assert self.account is not None  # noqa: S101 - asked of somebody who is signed in
        return self.account.id

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a request; `body` is sent as JSON unless it is bytes; `Content_Type=` names another type."""
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        response = await self.app.test_client(use_cookies=False).open(  # type: ignore[call-arg]  # json has a default
            path,
            method=method,
            headers=sent,
            data=None if body is None else body if isinstance(body, bytes) else dumps(body),
            scope_base={"client": (self.address, 1234)},
        )
        raw = await response.get_data(as_text=False)
        is_json = bool(raw) and response.mimetype == "application/json"
        read = await response.get_json() if is_json else raw or None
        return Answer(response.status_code, read, response.headers)

    async def get(self, path: str, **headers: str) -> Answer:
        """GET."""
        return await self.ask("GET", path, None, **headers)

    async def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        """POST; an empty object when no body is given."""
        return await self.ask("POST", path, {} if body is None else body, **headers)

    async def put(self, path: str, body: Any, **headers: str) -> Answer:
        """PUT."""
        return await self.ask("PUT", path, body, **headers)

    async def delete(self, path: str, **headers: str) -> Answer:
        """DELETE."""
        return await self.ask("DELETE", path, None, **headers)


class People:
    """Makes accounts and signs them in, without the price of a password each time."""

    def __init__(self, app: PanelApp) -> None:
        self._app = app

    async def add(
        self,
        username: str,
        *,
        password: str = PASSWORD,
        role_id: int = USER_ID,
        status: AccountStatus = "active",
        verified: bool = True,
    ) -> AccountRow:
        """A new account, `<username>@example.com`."""
        if password not in _hashes:
            _hashes[password] = await passwords.hash_password(password)
        async with transaction() as events:
            return await add_account(
                events,
                Actor.system(),
                email=f"{username}@example.com",
                username=username,
                password_hash=_hashes[password],
                role_id=role_id,
                status=status,
                email_verified_at=datetime.now(UTC) if verified else None,
            )

    async def sign_in(self, username: str, *, address: str = "198.51.100.1", **account: Any) -> Caller:
        """A caller with a session of the account, which is made if it is not there."""
        row = await AccountRow.get_or_none(username_key=username.lower()).select_related("role")
        row = row or await self.add(username, **account)
        async with transaction():
            opened = await open_session(row, address, Device(user_agent="tests"))
        token = tokens.make_access_token(opened.account_id, opened.id)
        return Caller(self._app, token, address, row, opened)

    def stranger(self, address: str = "198.51.100.1") -> Caller:
        """Somebody without a token."""
        return Caller(self._app, None, address)

    def bearer(self, token: str, address: str = "198.51.100.1") -> Caller:
        """Whoever holds this token: an API key, a node's credential."""
        return Caller(self._app, token, address)
