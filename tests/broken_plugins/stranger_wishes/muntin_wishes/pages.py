"""The page."""

from __future__ import annotations

from muntin.access import Actor
from muntin.pages.answers import Page
from muntin.routing import Routes
from muntin.schemas import PageQuery
from muntin.translation import _
from muntin_wishes import service

routes = Routes(dialect="pages", prefix="/wishes")


@routes.get("", query=PageQuery, service=service.list_entries)
async def show_wishes(actor: Actor, query: PageQuery) -> Page:
    """All wishes."""
    found = await service.list_entries(actor, query)
    return Page("wishes/list.html", {"wishes": found.items}, title=_("Wishes"))
