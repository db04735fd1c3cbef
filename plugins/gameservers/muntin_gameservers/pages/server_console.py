"""The first page of a server: console, power buttons, charts."""

from __future__ import annotations

from uuid import UUID

from quart import Response

from muntin.access import Actor, Grants, require
from muntin.api.json import dumps
from muntin.call import Call
from muntin.errors import NotFound
from muntin.pages.answers import Page, Redirect
from muntin.pages.slots import one_of_slot
from muntin.pages.submitting import attempt, require_name, typed
from muntin.routing import Routes
from muntin.translation import _
from muntin_gameservers.console import tickets
from muntin_gameservers.pages.view import TABS_SLOT, base_of, server_page
from muntin_gameservers.schemas import PowerIn
from muntin_gameservers.servers import changes, listing, power

routes = Routes(dialect="pages", prefix="/servers/<uuid:server_id>", tags=("servers",))


@routes.get("", service=listing.load_server)
async def show_console(actor: Actor, server_id: UUID, call: Call) -> Page:
    """Console, power buttons and charts; for whoever may not read the console, the figures alone."""
    server = await listing.load_server(actor, server_id)
    actions = [one for one in ("start", "restart", "stop", "kill") if f"control.{one}" in server.permissions]
    return await server_page(
        call,
        server,
        "",
        "console.html",
        actions=() if server.is_suspended else actions,
        may_watch="control.console" in server.permissions and not server.is_suspended,
        may_command="control.command" in server.permissions,
    )


@routes.post("/ws-ticket", service=tickets.issue_ticket)
async def issue_ticket(actor: Actor, server_id: UUID) -> Response:
    """A ticket for this page's console."""
    ticket = await tickets.issue_ticket(actor, server_id)
    return Response(dumps({"data": ticket}), content_type="application/json")


@routes.post("/power", body=PowerIn, service=power.set_power)
async def set_power(actor: Actor, server_id: UUID, wanted: PowerIn) -> Redirect:
    """What the power buttons do where scripts are off."""
    return await attempt(power.set_power(actor, server_id, action=wanted.action), back=f"/servers/{server_id}")


@routes.post("/reinstall", service=changes.reinstall_own_server)
async def reinstall(actor: Actor, server_id: UUID, call: Call) -> Redirect:
    """Run the install script again, after the name was typed."""
    server = await listing.load_server(actor, server_id)
    require(actor, "settings.reinstall", within=Grants(server.permissions))
    sent = await typed(call)

    async def act() -> None:
        require_name(sent, server.name)
        await changes.reinstall_own_server(actor, server_id, wipe="wipe" in sent)

    back = f"{base_of(server)}/settings" if "settings.rename" in server.permissions else base_of(server)
    return await attempt(act(), back=back, then=base_of(server), notice=_("The server is being reinstalled."))


@routes.post("/retry", service=changes.reinstall_own_server)
async def retry_install(actor: Actor, server_id: UUID) -> Redirect:
    """Install once more what failed to install; there is nothing to lose, so no name is asked for."""
    path = f"/servers/{server_id}"
    return await attempt(
        changes.reinstall_own_server(actor, server_id), back=path, notice=_("The server is being installed again.")
    )


@routes.get("/more/<string:key>", service=listing.load_server)
async def show_more(actor: Actor, server_id: UUID, key: str, call: Call) -> Page:
    """A tab of another plugin."""
    server = await listing.load_server(actor, server_id)
    content = await one_of_slot(call, TABS_SLOT, key, {"server": server, "base": base_of(server)})
    if content is None:
        raise NotFound
    return await server_page(call, server, f"/more/{key}", "more.html", content=content)
