"""Rules."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from muntin import audit
from muntin.access import Actor, guarded
from muntin.database import transaction
from muntin.errors import NotFound
from muntin.schemas import Input, Page, PageQuery, Text
from muntin_diary.models import DiaryRow


class EntryIn(Input):
    """What somebody sends."""

    secret_thought: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is answered."""

    id: UUID
    secret_thought: str


@guarded("diary.write")
async def list_entries(actor: Actor, query: PageQuery) -> Page[Entry]:
    """The actor's entries, newest first."""
    rows = DiaryRow.visible_to(actor)
    order = query.order(("created_at",), default="-created_at")
    found = await rows.order_by(*order).offset(query.offset).limit(query.per_page)
    return Page.of([Entry(id=row.id, secret_thought=row.secret_thought) for row in found], await rows.count(), query)


@guarded("diary.write")
async def add_entry(actor: Actor, wanted: EntryIn) -> Entry:
    """Keep an entry."""
    async with transaction() as events:
        row = await DiaryRow.create(secret_thought=wanted.secret_thought, owner_id=actor.account_id)
        await audit.record(events, actor, "diary.added", ("diary", row.id), {})
    return Entry(id=row.id, secret_thought=row.secret_thought)


@guarded("diary.write")
async def load_entry(actor: Actor, entry_id: UUID) -> Entry:
    """One entry."""
    row = await DiaryRow.get_or_none(id=entry_id)
    if row is None:
        raise NotFound("entry")
    return Entry(id=row.id, secret_thought=row.secret_thought)
