"""Eggs: listing, making, changing and removing them. What servers were given of one stays as it is."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from tortoise.exceptions import IntegrityError
from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from muntin import audit
from muntin.access import Actor, guarded
from muntin.database import transaction, uuid7
from muntin.deletion import refuse_objections
from muntin.errors import Conflict, InvalidInput, NotFound
from muntin.schemas import Page, PageQuery
from muntin.translation import _
from muntin_gameservers.eggs.definition import EggDefinition
from muntin_gameservers.errors import EggInUse
from muntin_gameservers.models import EggRow, NestRow
from muntin_gameservers.nests.editing import edited
from muntin_gameservers.nests.schemas import Egg, EggChanges, EggIn
from muntin_gameservers.nests.shown import shown, shown_one
from muntin_gameservers.nests.stored import columns_of, definition_of

SORTABLE = ("name", "author", "created_at", "updated_at")


class EggNameTaken(Conflict):
    """The nest has an egg of this name."""

    default_message = "There is an egg of this name in the nest."


@guarded("admin.eggs.list", on=NestRow)
async def list_eggs(actor: Actor, nest: NestRow, query: PageQuery) -> Page[Egg]:
    """The eggs of a nest."""
    return await _page(EggRow.visible_to(actor).filter(nest_id=nest.id), query)


@guarded("admin.eggs.list")
async def list_all_eggs(actor: Actor, query: PageQuery) -> Page[Egg]:
    """The eggs of all nests."""
    return await _page(EggRow.visible_to(actor), query)


@guarded("admin.eggs.list", on=EggRow)
async def load_egg(actor: Actor, egg: EggRow) -> Egg:
    """One egg."""
    return await shown_one(egg)


@guarded("admin.eggs.edit", on=NestRow)
async def create_egg(actor: Actor, nest: NestRow, wanted: EggIn) -> Egg:
    """Make an egg.

    Raises:
        EggNameTaken: The nest has one of this name.
    """
    egg_id = uuid7()
    definition = edited(EggDefinition(name=wanted.name), wanted, egg_id)
    try:
        async with transaction() as events:
            row = await EggRow.create(id=egg_id, nest_id=nest.id, **columns_of(definition))
            await audit.record(events, actor, "egg.created", ("egg", row.id), {"name": row.name, "nest": nest.name})
    except IntegrityError as error:
        raise EggNameTaken from error
    return await shown_one(row)


@guarded("admin.eggs.edit")
async def add_egg(actor: Actor, nest_id: UUID, wanted: EggIn) -> Egg:
    """Make an egg in the nest that somebody chose in a form.

    Raises:
        InvalidInput: There is no such nest; the field is `nest_id`.
        EggNameTaken: The nest has one of this name.
    """
    if not await NestRow.exists(id=nest_id):
        raise InvalidInput.of("nest_id", _("There is no such nest."))
    return await create_egg(actor, nest_id, wanted)


@guarded("admin.eggs.edit", on=EggRow)
async def update_egg(actor: Actor, egg: EggRow, changes: EggChanges) -> Egg:
    """Change an egg; everything else its file held stays.

    Raises:
        EggNameTaken: The nest has another one of this name.
    """
    try:
        async with transaction() as events:
            row = await EggRow.select_for_update().get_or_none(id=egg.id)  # of two editors, the second waits here
            if row is None:
                raise NotFound
            definition = edited(definition_of(row), changes, row.id)
            await EggRow.filter(id=row.id).update(**columns_of(definition), updated_at=datetime.now(UTC))
            asked = {"name": row.name, "changed": sorted(changes.model_fields_set)}
            await audit.record(events, actor, "egg.updated", ("egg", row.id), asked)
    except IntegrityError as error:
        raise EggNameTaken from error
    return await shown_one(await EggRow.get(id=egg.id))


@guarded("admin.eggs.edit", on=EggRow)
async def delete_egg(actor: Actor, egg: EggRow) -> None:
    """Remove an egg that no server runs.

    Raises:
        EggInUse: Servers run it.
        Conflict: A plugin objects.
    """
    await refuse_objections("egg", egg.id)
    try:
        async with transaction() as events:
            await EggRow.filter(id=egg.id).delete()
            await audit.record(events, actor, "egg.deleted", ("egg", egg.id), {"name": egg.name})
    except IntegrityError as error:
        raise EggInUse from error


async def _page(rows: QuerySet[EggRow], query: PageQuery) -> Page[Egg]:
    if query.search:
        text = query.search
        rows = rows.filter(Q(name__icontains=text) | Q(author__icontains=text) | Q(description__icontains=text))
    total = await rows.count()
    found = await rows.order_by(*query.order(SORTABLE, default="name")).offset(query.offset).limit(query.per_page)
    return Page.of(await shown(found), total, query)
