"""Eggs by name, for the command line: whoever can run it owns the machine, so there is nobody to ask."""

from __future__ import annotations

from uuid import UUID

from muntin.access import Actor
from muntin.database import transaction
from muntin.errors import Conflict, NotFound
from muntin.translation import _
from muntin_gameservers.eggs.parsing import Syntax
from muntin_gameservers.models import EggRow, NestRow
from muntin_gameservers.nests.importing import export_egg, import_egg
from muntin_gameservers.nests.schemas import Egg, EggFile


async def import_into(nest: str, data: bytes, *, file_name: str, replace_name: str | None = None) -> Egg:
    """Import an egg file into a nest, which is made if there is none of this name.

    Args:
        replace_name: The egg of the nest that the file replaces.

    Raises:
        EggInvalid, PayloadTooLarge, EggNameTaken: As `import_egg`.
        NotFound: There is no egg to replace.
    """
    async with transaction():  # a nest made for a file that is no egg does not stay
        row, _made = await NestRow.get_or_create(name=nest)
        replaced = await _egg_id(replace_name, nest) if replace_name is not None else None
        return await import_egg(
            Actor.system(), data=data, nest_id=row.id, file_name=file_name, overwrite_egg_id=replaced
        )


async def export_named(name: str, *, nest: str | None, version: str | None, syntax: Syntax) -> EggFile:
    """Export the egg of this name.

    Raises:
        NotFound: There is none.
        Conflict: Several nests have one.
    """
    return await export_egg(Actor.system(), await _egg_id(name, nest), version=version, syntax=syntax)


async def _egg_id(name: str, nest: str | None) -> UUID:
    rows = EggRow.filter(name=name) if nest is None else EggRow.filter(name=name, nest__name=nest)
    found = await rows.select_related("nest")
    if not found:
        raise NotFound(_("There is no egg {name}.", name=repr(name)))
    if len(found) > 1:
        nests = ", ".join(sorted(row.nest.name for row in found))
        raise Conflict(_("Several nests have an egg {name}: {nests}. Say which.", name=repr(name), nests=nests))
    return found[0].id
