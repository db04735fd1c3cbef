"""Name and reinstalling of a server, and what was done with it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from muntin.access import Actor
from muntin.audit import known_words, sentence
from muntin.call import Call
from muntin.pages import forms
from muntin.pages.answers import Page, Redirect
from muntin.pages.rows import row
from muntin.pages.submitting import Done, Problems, submit
from muntin.pages.tables import view
from muntin.routing import Routes
from muntin.schemas import Input, Name, Text
from muntin.translation import _
from muntin_gameservers.pages.view import server_page
from muntin_gameservers.schemas import ActivityQuery, SettingsIn
from muntin_gameservers.servers import changes, listing

routes = Routes(dialect="pages", prefix="/servers/<uuid:server_id>", tags=("servers",))
LABELS: dict[str, forms.Field] = {
    "name": {"label": _("Name")},
    "description": {"label": _("Description"), "kind": "textarea", "rows": 3},
}


class NameForm(Input):
    """What the form sends; unlike in the API, a server without a name is refused rather than left as it is."""

    name: Name
    description: Text | None = None


@routes.get("/activity", query=ActivityQuery, service=listing.list_activity)
async def show_activity(actor: Actor, server_id: UUID, call: Call, query: ActivityQuery) -> Page:
    """What was done with the server."""
    page = await listing.list_activity(actor, server_id, query)
    server = await listing.load_server(actor, server_id)
    words = known_words()
    rows = [row(one, text=sentence(one, words)) for one in page.items]
    return await server_page(call, server, "/activity", "activity.html", rows=rows, view=view(call, page))


@routes.get("/settings", service=changes.rename_server)
async def show_settings(actor: Actor, server_id: UUID, call: Call) -> Page:
    """Name, details, reinstalling."""
    return await _settings(actor, server_id, call, Problems())


@routes.post("/settings", service=changes.rename_server)
async def save_settings(actor: Actor, server_id: UUID, call: Call) -> Page | Redirect:
    """Rename the server."""

    async def act(wanted: NameForm) -> Any:
        return await changes.rename_server(actor, server_id, SettingsIn(**wanted.model_dump()))

    done = await submit(call, NameForm, act)
    if isinstance(done, Done):
        return Redirect(f"/servers/{server_id}/settings", notice="saved")
    return await _settings(actor, server_id, call, done)


async def _settings(actor: Actor, server_id: UUID, call: Call, problems: Problems) -> Page:
    server = await listing.load_for_settings(actor, server_id)
    stored = {"name": server.name, "description": server.description or ""}
    fields = forms.fields(NameForm, {**stored, **problems.typed}, errors=problems.fields, more=LABELS)
    values = {"fields": fields, "problems": problems}
    return await server_page(call, server, "/settings", "settings.html", status=problems.status, **values)
