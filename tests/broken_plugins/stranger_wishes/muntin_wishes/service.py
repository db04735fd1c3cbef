"""Rules."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from muntin import audit
from muntin.access import Actor, guarded
from muntin.database import transaction
from muntin.schemas import Input, Page, PageQuery, Text
from muntin_wishes.models import WishRow


class EntryIn(Input):
    """What somebody sends."""

    wish: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is answered."""

    id: UUID
    wish: str


@guarded("wishes.write")
async def list_entries(actor: Actor, query: PageQuery) -> Page[Entry]:
    """The actor's entries, newest first."""
    rows = WishRow.visible_to(actor)
    order = query.order(("created_at",), default="-created_at")
    found = await rows.order_by(*order).offset(query.offset).limit(query.per_page)
    return Page.of([Entry(id=row.id, wish=row.wish) for row in found], await rows.count(), query)


@guarded("wishes.write")
async def add_entry(actor: Actor, wanted: EntryIn) -> Entry:
    """Keep an entry."""
    async with transaction() as events:
        row = await WishRow.create(wish=wanted.wish, owner_id=actor.account_id)
        await audit.record(events, actor, "wishes.added", ("wishes", row.id), {})
    return Entry(id=row.id, wish=row.wish)


@guarded("wishes.write", on=WishRow)
async def load_entry(actor: Actor, entry: WishRow) -> Entry:
    """One entry; 404 for everybody but its owner."""
    return Entry(id=entry.id, wish=entry.wish)
