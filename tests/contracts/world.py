"""A panel that is ready to be asked everything the contract names, and what it answered."""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from muntin import dispatch
from muntin.panel import Panel
from muntin.roles.models import ADMIN_ID, RoleRow
from muntin.settings.models import SettingRow
from muntin.testing.callers import Answer, Caller, People

from .peer import answering_node

T = TypeVar("T")
LATER = 4_000_000_000.0
"""A time at which the caller of too many requests asks: never over, never past."""


@dataclass(slots=True)
class World:
    """The panel of one store.

    Attributes:
        boss: An administrator who may ask as often as the tests need.
        keys: Keys of the boss that hold one permission each.
        hasty: Callers who asked too often, with and without a token, at `LATER`.
        ports: Where a node answers everything, refuses everything with 502, and where none listens.
    """

    panel: Panel
    people: People
    boss: Caller
    keys: Mapping[str, Caller]
    hasty: tuple[Caller, Caller]
    ports: Mapping[str, int]
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _set: set[str] = field(default_factory=set)

    def number(self) -> int:
        """One that nobody had before."""
        return next(self._numbers)

    def stranger(self) -> Caller:
        """Somebody without a token, at an address of their own."""
        number = self.number()
        return self.people.stranger(f"10.1.{number // 250}.{number % 250 + 1}")

    async def somebody(self, **account: Any) -> Caller:
        """Somebody new who is signed in."""
        return await self.people.sign_in(f"somebody{self.number()}", **account)

    async def set(self, section: str, **values: object) -> None:
        """Store plain values of a section until the row of the table is done."""
        row, _made = await SettingRow.get_or_create(section=section)
        row.values = {**row.values, **values}
        await row.save()
        self._set.add(section)
        await self.panel.settings.reload()

    async def settle(self) -> None:
        """Forget what was set."""
        if self._set:
            await SettingRow.filter(section__in=self._set).delete()
            self._set.clear()
            await self.panel.settings.reload()

    async def too_hasty(self, method: str, path: str, *, signed_in: bool) -> Answer:
        """Ask as somebody who asked too often."""
        caller = self.hasty[0] if signed_in else self.hasty[1]
        return await self.at_a_hasty_time(lambda: caller.ask(method, path))

    async def at_a_hasty_time(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask at the time at which `hasty` asked too often."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.panel.limits, "_clock", lambda: LATER)
            return await ask()

    async def with_a_fault(self, method: str, path: str, caller: Caller) -> Answer:
        """Ask while the panel has a fault."""
        return await self.during_a_fault(lambda: caller.ask(method, path))

    async def during_a_fault(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask while nothing can be handled."""

        async def fail(*_arguments: Any) -> Any:
            raise RuntimeError("a fault with a secret in it")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(dispatch, "arguments_for", fail)
            return await ask()


@asynccontextmanager
async def made_world(panel: Panel, people: People) -> AsyncIterator[World]:
    """Callers and nodes of a panel."""
    await RoleRow.filter(id=ADMIN_ID).update(rate_limit_multiplier=1000)
    boss = await people.sign_in("boss", role_id=ADMIN_ID)
    keys = {name: await key_of(people, boss, name) for name in ("account.ssh-keys", "account.sessions")}
    hasty = (await people.sign_in("hasty"), people.stranger("192.0.2.77"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(panel.limits, "_clock", lambda: LATER)
        for caller in hasty:
            statuses = [(await caller.get("/api/v1/health")).status for _index in range(241)]
            assert statuses == [200] * 240 + [429]
    async with answering_node() as yes, answering_node("502 Bad Gateway") as no:
        yield World(panel, people, boss, keys, hasty, {"yes": yes, "no": no, "away": 1})


async def key_of(people: People, holder: Caller, permission: str) -> Caller:
    """Somebody with a key of the holder that includes one permission."""
    wanted = {"description": "narrow", "permissions": [permission]}
    made = await holder.post("/api/v1/account/api-keys", wanted)
    return people.bearer(made.data["token"])


def at(path: str, values: Mapping[str, Any]) -> str:
    """The contract's path with its values."""
    return re.sub(r"\{([^}]+)\}", lambda found: str(values[found[1]]), path)


def nowhere(path: str) -> str:
    """The contract's path with ids of nothing."""
    number = "999999" if "/roles/" in path else "00000000-0000-4000-8000-000000000000"
    return re.sub(r"\{[^}]+\}", number, path)
