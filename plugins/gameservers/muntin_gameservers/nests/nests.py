"""Nests: groups of eggs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from tortoise.exceptions import IntegrityError
from tortoise.expressions import Q
from tortoise.functions import Count

from muntin import audit
from muntin.access import Actor, guarded
from muntin.database import transaction
from muntin.deletion import refuse_objections
from muntin.errors import Conflict
from muntin.schemas import Page, PageQuery
from muntin_gameservers.errors import NestInUse
from muntin_gameservers.models import EggRow, NestRow
from muntin_gameservers.nests.schemas import Nest, NestChanges, NestIn

SORTABLE = ("name", "author", "created_at", "updated_at")


class NestNameTaken(Conflict):
    """Another nest has this name."""

    default_message = "Another nest has this name."


@guarded("admin.eggs.list")
async def list_nests(actor: Actor, query: PageQuery) -> Page[Nest]:
    """Nests by name or description."""
    rows = NestRow.visible_to(actor)
    if query.search:
        rows = rows.filter(Q(name__icontains=query.search) | Q(description__icontains=query.search))
    total = await rows.count()
    found = await rows.order_by(*query.order(SORTABLE, default="name")).offset(query.offset).limit(query.per_page)
    return Page.of(await _shown(found), total, query)


@guarded("admin.eggs.list", on=NestRow)
async def load_nest(actor: Actor, nest: NestRow) -> Nest:
    """One nest."""
    return (await _shown([nest]))[0]


@guarded("admin.eggs.edit")
async def create_nest(actor: Actor, wanted: NestIn) -> Nest:
    """Make a nest.

    Raises:
        NestNameTaken: The name is in use.
    """
    try:
        async with transaction() as events:
            row = await NestRow.create(name=wanted.name, description=wanted.description, author=actor.username)
            await audit.record(events, actor, "nest.created", ("nest", row.id), wanted.model_dump())
    except IntegrityError as error:
        raise NestNameTaken from error
    return (await _shown([row]))[0]


@guarded("admin.eggs.edit", on=NestRow)
async def update_nest(actor: Actor, nest: NestRow, changes: NestChanges) -> Nest:
    """Rename or describe a nest.

    Raises:
        NestNameTaken: The name is in use.
    """
    given = changes.model_dump(exclude_unset=True)
    asked = {name: value for name, value in given.items() if value is not None or name == "description"}
    try:
        async with transaction() as events:
            await NestRow.filter(id=nest.id).update(**asked, updated_at=datetime.now(UTC))
            await audit.record(events, actor, "nest.updated", ("nest", nest.id), asked)
    except IntegrityError as error:
        raise NestNameTaken from error
    return (await _shown([await NestRow.get(id=nest.id)]))[0]


@guarded("admin.eggs.edit", on=NestRow)
async def delete_nest(actor: Actor, nest: NestRow) -> None:
    """Remove an empty nest.

    Raises:
        NestInUse: There are eggs in it.
        Conflict: A plugin objects.
    """
    await refuse_objections("nest", nest.id)
    try:
        async with transaction() as events:
            await NestRow.filter(id=nest.id).delete()
            await audit.record(events, actor, "nest.deleted", ("nest", nest.id), {"name": nest.name})
    except IntegrityError as error:
        raise NestInUse from error


async def _shown(rows: Sequence[NestRow]) -> list[Nest]:
    counts = await _eggs_of([row.id for row in rows])
    return [
        Nest(
            id=row.id,
            name=row.name,
            description=row.description,
            author=row.author,
            eggs_count=counts.get(row.id, 0),
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
        for row in rows
    ]


async def _eggs_of(nest_ids: Sequence[UUID]) -> dict[UUID, int]:
    if not nest_ids:
        return {}
    rows = EggRow.filter(nest_id__in=nest_ids).annotate(eggs=Count("id")).group_by("nest_id")
    return {one["nest_id"]: one["eggs"] for one in await rows.values("nest_id", "eggs")}
