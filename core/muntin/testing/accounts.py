"""Accounts, and everything one can be as one of them: a caller of the API, a visitor of pages, an actor of services."""

from __future__ import annotations

import itertools
from typing import Literal

from muntin.access import Actor
from muntin.accounts.lookup import actor_of_account
from muntin.accounts.models import AccountRow
from muntin.app import PanelApp
from muntin.roles.models import ADMIN_ID, MODERATOR_ID, USER_ID
from muntin.testing.callers import Caller, People
from muntin.testing.visitors import Visitor, visitor

__all__ = ["Accounts", "Role"]

Role = Literal["user", "moderator", "administrator"]
ROLE_IDS = {"user": USER_ID, "moderator": MODERATOR_ID, "administrator": ADMIN_ID}
ADDRESS = "198.51.100.1"


class Accounts:
    """The fixture `account`. A name that is there already is taken as it is."""

    def __init__(self, app: PanelApp, people: People) -> None:
        self._app = app
        self._people = people
        self._numbers = itertools.count(1)

    async def __call__(self, username: str = "", *, role: Role = "user") -> AccountRow:
        """An account, `<username>@example.com`; a name is made up unless one is given."""
        username = username or f"person{next(self._numbers)}"
        found = await AccountRow.get_or_none(username_key=username.lower())
        row = found or await self._people.add(username, role_id=ROLE_IDS[role])
        return await AccountRow.get(id=row.id).select_related("role")

    async def caller(self, username: str = "", *, role: Role = "user") -> Caller:
        """A caller of the API who is signed in as that account."""
        return await self._people.sign_in((await self(username, role=role)).username)

    async def visitor(self, username: str = "", *, role: Role = "user") -> Visitor:
        """Somebody with a browser who is signed in as that account."""
        return await visitor(self._people, self._app, (await self(username, role=role)).username)

    async def actor(self, username: str = "", *, role: Role = "user") -> Actor:
        """What services take."""
        return actor_of_account(await self(username, role=role), ADDRESS)
