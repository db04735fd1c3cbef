"""The start page, the one stream of every page, and search over everything."""

from __future__ import annotations

from quart import Response

from muntin.access import Actor, guarded
from muntin.bus import Json
from muntin.call import Call
from muntin.jobs.desk import CHANGED_TOPIC
from muntin.nodes.reporting import STATUS_TOPIC
from muntin.pages import live
from muntin.pages.answers import Page
from muntin.pages.rendering import navigation
from muntin.pages.slots import slot
from muntin.routing import Routes
from muntin.translation import _

routes = Routes(dialect="pages", tags=("pages",))
MAX_SEARCH = 100


@guarded("account.read")
async def see_pages(actor: Actor) -> None:
    """Whoever is signed in has a start page, a stream and a search."""


@routes.get("/", service=see_pages)
async def dashboard(actor: Actor, call: Call) -> Page:
    """Cards of the plugins; one request, one stream, however much there is."""
    await see_pages(actor)
    values = {"contents": await slot(call, "dashboard.cards"), "live_path": "/live"}
    return Page("core/dashboard/dashboard.html", values, title=_("Dashboard"))


@routes.get("/live", service=see_pages, streams=True)
async def follow(actor: Actor, call: Call) -> Response:
    """What changes for this person; for administrators, what changes in the panel besides."""
    await see_pages(actor)
    channels = [f"account.{actor.account_id}"]
    if actor.may("admin.overview"):
        channels.append("admin")
    also: dict[str, live.Translate] = {}
    if actor.may("admin.jobs.list"):
        also[CHANGED_TOPIC] = _job
    if actor.may("admin.nodes.list"):
        also[STATUS_TOPIC] = _node
    return live.stream(call, channels, also=also)


def _job(data: Json) -> Json:
    """A job that changed, as its row and its page show it."""
    if not isinstance(data, dict):
        return None
    values = {"percent": data["percent"], "text": f"{data['percent']} %", "label": data["text"]}
    return {"topic": f"job:{data['id']}", "values": values, "state": data["state"]}


def _node(data: Json) -> Json:
    """A node that came, went or changed, as its row and its page show it."""
    if not isinstance(data, dict):
        return None
    return {"topic": f"node:{data['id']}", "values": {}, "state": data["status"]}


@routes.get("/search", service=see_pages)
async def search(actor: Actor, call: Call) -> Page | Response:
    """Pages, and what plugins find; inside the top bar for htmx, else as a page."""
    await see_pages(actor)
    text = call.request.args.get("q", "").strip()[:MAX_SEARCH]
    found = _pages_named(call, text) if text else []
    contents = await slot(call, "search.results", {"text": text}) if text else []
    values = {
        "text": text,
        "found": found,
        "contents": contents,
        "nothing": not found and not any(c.html for c in contents),
    }
    template = "core/search/results.html" if call.request.headers.get("HX-Request") else "core/search/page.html"
    return Page(template, values, title=_("Search"))


def _pages_named(call: Call, text: str) -> list[dict[str, str]]:
    """Entries of the side bar whose words hold the text."""
    wanted = text.casefold()
    return [
        {"label": entry["label"], "path": entry["path"], "icon": entry["icon"], "of": section["label"]}
        for section in navigation(call)
        for entry in section["entries"]
        if wanted in entry["label"].casefold()
    ][:8]
