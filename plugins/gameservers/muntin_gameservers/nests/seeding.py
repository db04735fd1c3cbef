"""Our own eggs, put into a panel that has none yet."""

from __future__ import annotations

import asyncio
import logging

from tortoise.exceptions import IntegrityError

from muntin.access import Actor
from muntin.database import transaction
from muntin_gameservers.eggs.catalogue import catalogue
from muntin_gameservers.eggs.definition import EggDefinition
from muntin_gameservers.eggs.reading import read_egg
from muntin_gameservers.models import NestRow
from muntin_gameservers.nests.importing import announce, store_egg

log = logging.getLogger("muntin.gameservers.seeding")


async def ensure_catalogue() -> None:
    """Add the catalogue if there is no nest at all: at the first start, all or nothing.

    What administrators change or remove afterwards stays changed or removed.
    """
    if await NestRow.exists():
        return
    eggs = await asyncio.to_thread(_read_catalogue)
    try:
        added = await _add(eggs)
    except IntegrityError:
        return  # another worker was faster
    if added:
        log.info("Added %d eggs of our own", added)


def _read_catalogue() -> list[tuple[str, EggDefinition]]:
    return [(entry.nest, read_egg(entry.data, name=entry.file_name)) for entry in catalogue()]


async def _add(eggs: list[tuple[str, EggDefinition]]) -> int:
    async with transaction() as events:
        if await NestRow.exists():
            return 0
        nests = {name: await NestRow.create(name=name, author="muntin") for name in sorted({nest for nest, _ in eggs})}
        for nest, definition in eggs:
            row = await store_egg(definition, nests[nest].id)
            await announce(events, Actor.system(), row, replaced=False)
    return len(eggs)
