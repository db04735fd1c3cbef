"""Egg files: taking them in, and giving them out in any of the five exchange formats."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from tortoise.exceptions import IntegrityError

from muntin import audit
from muntin.access import Actor, guarded
from muntin.database import Transaction, transaction
from muntin.errors import InvalidInput, PayloadTooLarge
from muntin.translation import _
from muntin_gameservers.eggs.definition import EggDefinition
from muntin_gameservers.eggs.errors import EggError, EggTooLarge
from muntin_gameservers.eggs.parsing import MAX_BYTES, Syntax
from muntin_gameservers.eggs.reading import read_egg
from muntin_gameservers.eggs.writing import write_egg
from muntin_gameservers.errors import EggInvalid
from muntin_gameservers.events import EggImported
from muntin_gameservers.models import EggRow, NestRow
from muntin_gameservers.nests.eggs import EggNameTaken
from muntin_gameservers.nests.schemas import Egg, EggFile
from muntin_gameservers.nests.shown import shown_one
from muntin_gameservers.nests.stored import columns_of, definition_of

CONTENT_TYPES = {"json": "application/json", "yaml": "application/yaml"}


@guarded("admin.eggs.import")
async def import_egg(
    actor: Actor, *, data: bytes, nest_id: UUID, file_name: str = "", overwrite_egg_id: UUID | None = None
) -> Egg:
    """Take an egg file in. What cannot be checked of it is told by `Egg.warnings`.

    Args:
        data: JSON or YAML, at most 1 MiB.
        file_name: Decides only what the content leaves open.
        overwrite_egg_id: An egg of the nest that the file replaces; its servers keep what they were given.

    Raises:
        EggInvalid: Not an egg; every wrong field is named.
        PayloadTooLarge: More than 1 MiB.
        InvalidInput: There is no such nest, or no such egg in it.
        EggNameTaken: The nest has another egg of this name.
    """
    definition = await read_definition(data, file_name)
    try:
        async with transaction() as events:
            if not await NestRow.exists(id=nest_id):
                raise InvalidInput.of("nest_id", _("There is no such nest."))
            row = await store_egg(definition, nest_id, overwrite_egg_id)
            await announce(events, actor, row, replaced=overwrite_egg_id is not None)
    except IntegrityError as error:
        raise EggNameTaken from error
    return await shown_one(row)


@guarded("admin.eggs.list", on=EggRow)
async def export_egg(actor: Actor, egg: EggRow, *, version: str | None = "PTDL_v2", syntax: Syntax = "json") -> EggFile:
    """The file of an egg.

    Args:
        version: One of the five formats; None writes the one it came in, in which nothing is lost.
    """
    definition = definition_of(egg)
    if definition.exported_at is None:
        definition = replace(definition, exported_at=datetime.now(UTC).isoformat(timespec="seconds"))
    data = await asyncio.to_thread(write_egg, definition, version, syntax)
    return EggFile(name=f"egg-{_kebab(egg.name)}.{syntax}", content_type=CONTENT_TYPES[syntax], data=data)


async def read_definition(data: bytes, file_name: str = "") -> EggDefinition:
    """The egg in a file, read in a thread, since a hostile one may take a while.

    Raises:
        EggInvalid: Every wrong field is named.
        PayloadTooLarge: More than 1 MiB.
    """
    try:
        return await asyncio.to_thread(read_egg, data, name=file_name)
    except EggTooLarge as error:
        raise PayloadTooLarge(limit_bytes=MAX_BYTES) from error
    except EggError as error:
        raise EggInvalid(error.fields, str(error)) from error


async def store_egg(definition: EggDefinition, nest_id: UUID, overwrite_egg_id: UUID | None = None) -> EggRow:
    """Write the row, new or instead of an egg of the nest, inside the caller's transaction.

    Raises:
        InvalidInput: The nest has no egg to be replaced.
    """
    columns = columns_of(definition)
    if overwrite_egg_id is None:
        return await EggRow.create(nest_id=nest_id, **columns)
    rows = EggRow.filter(id=overwrite_egg_id, nest_id=nest_id)
    if not await rows.update(**columns, updated_at=datetime.now(UTC)):
        raise InvalidInput.of("overwrite_egg_id", _("There is no such egg in this nest."))
    return await EggRow.get(id=overwrite_egg_id)


async def announce(events: Transaction, actor: Actor, row: EggRow, *, replaced: bool) -> None:
    """Tell and record that an egg was imported."""
    events.add(EggImported(egg_id=row.id, name=row.name, by=actor.account_id))
    await audit.record(events, actor, "egg.imported", ("egg", row.id), {"name": row.name, "replaced": replaced})


def _kebab(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:100] or "unnamed"
