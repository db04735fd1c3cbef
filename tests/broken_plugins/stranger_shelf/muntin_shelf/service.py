"""Rules."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from muntin import audit
from muntin.access import Actor, guarded
from muntin.database import transaction
from muntin.schemas import Input, Page, PageQuery, Text
from muntin_shelf.models import BookRow


class EntryIn(Input):
    """What somebody sends."""

    title: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is answered."""

    id: UUID
    title: str


@guarded("shelf.write")
async def list_entries(actor: Actor, query: PageQuery) -> Page[Entry]:
    """The actor's entries, newest first."""
    rows = BookRow.visible_to(actor)
    order = query.order(("created_at",), default="-created_at")
    found = await rows.order_by(*order).offset(query.offset).limit(query.per_page)
    return Page.of([Entry(id=row.id, title=row.title) for row in found], await rows.count(), query)


@guarded("shelf.write")
async def add_entry(actor: Actor, wanted: EntryIn) -> Entry:
    """Keep an entry."""
    async with transaction() as events:
        row = await BookRow.create(title=wanted.title, pages=1, owner_id=actor.account_id)
        await audit.record(events, actor, "shelf.added", ("shelf", row.id), {})
    return Entry(id=row.id, title=row.title)


@guarded("shelf.write", on=BookRow)
async def load_entry(actor: Actor, entry: BookRow) -> Entry:
    """One entry; 404 for everybody but its owner."""
    return Entry(id=entry.id, title=entry.title)
