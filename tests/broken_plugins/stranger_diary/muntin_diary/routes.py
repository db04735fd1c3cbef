"""API."""

from __future__ import annotations

from uuid import UUID

from muntin.access import Actor
from muntin.routing import Routes
from muntin.schemas import Page, PageQuery
from muntin_diary import service
from muntin_diary.service import Entry, EntryIn

routes = Routes(dialect="native", prefix="/api/v1/diary", tags=("diary",))


@routes.get("", query=PageQuery, returns=Page[Entry], service=service.list_entries)
async def list_entries(actor: Actor, query: PageQuery) -> Page[Entry]:
    """List entries."""
    return await service.list_entries(actor, query)


@routes.post("", body=EntryIn, returns=Entry, status=201, service=service.add_entry)
async def add_entry(actor: Actor, entry: EntryIn) -> Entry:
    """Add an entry."""
    return await service.add_entry(actor, entry)


@routes.get("/<uuid:entry_id>", returns=Entry, service=service.load_entry)
async def load_entry(actor: Actor, entry_id: UUID) -> Entry:
    """Show an entry."""
    return await service.load_entry(actor, entry_id)
