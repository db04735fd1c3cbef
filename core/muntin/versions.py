"""Numbers that grow: how every process learns, within a second, of a change whose message it missed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from tortoise.exceptions import BaseORMException, IntegrityError
from tortoise.expressions import F

from muntin.database import transaction
from muntin.plugins.models import VersionRow

log = logging.getLogger("muntin.versions")
LOOK_EVERY_S = 1.0

Listener = Callable[[], Awaitable[None]]


async def bump(name: str) -> None:
    """Raise the number; call it inside the transaction that makes the change."""
    if await VersionRow.filter(name=name).update(number=F("number") + 1):
        return
    try:
        async with transaction():  # a savepoint: what fails in here must not end the caller's transaction
            await VersionRow.create(name=name, number=1)
    except IntegrityError:  # another process made the row in the meantime
        await VersionRow.filter(name=name).update(number=F("number") + 1)


class Versions:
    """Watches the numbers and calls who wants to know of a change."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[Listener]] = {}
        self._seen: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None

    def watch(self, name: str, listener: Listener) -> None:
        """Call the listener after each change of the number, at the latest a second later."""
        self._listeners.setdefault(name, []).append(listener)

    async def open(self) -> None:
        """Take the numbers as they are now, and look again each second."""
        self._seen = await _numbers()
        self._task = asyncio.create_task(self._look(), name="versions")

    async def close(self) -> None:
        """Stop looking."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def look(self) -> None:
        """Look once and tell the listeners of what changed."""
        numbers = await _numbers()
        changed = [name for name, number in numbers.items() if self._seen.get(name) != number]
        self._seen = numbers
        for name in changed:
            for listener in self._listeners.get(name, ()):
                await listener()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look()
            except (OSError, BaseORMException):
                log.warning("Could not look for changes; trying again", exc_info=True)


async def _numbers() -> dict[str, int]:
    return {row["name"]: row["number"] for row in await VersionRow.all().values("name", "number")}
