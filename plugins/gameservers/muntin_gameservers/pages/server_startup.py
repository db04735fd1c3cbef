"""Start command and variables of a server."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from muntin.access import Actor
from muntin.call import Call
from muntin.pages import forms
from muntin.pages.answers import Page, Redirect
from muntin.pages.submitting import Done, Problems, typed
from muntin.routing import Routes
from muntin.translation import _
from muntin_gameservers.nests.schemas import EggVariable
from muntin_gameservers.pages.variables import submit_variables, typed_environment, variable_fields
from muntin_gameservers.pages.view import is_changeable, server_page
from muntin_gameservers.schemas import Server
from muntin_gameservers.servers import listing, startup
from muntin_gameservers.servers.startup import Startup, StartupIn

routes = Routes(dialect="pages", prefix="/servers/<uuid:server_id>/startup", tags=("servers",))


@routes.get("", service=startup.load_startup)
async def show_startup(actor: Actor, server_id: UUID, call: Call) -> Page:
    """Start command and variables."""
    return await _startup(actor, server_id, call, Problems())


@routes.post("", service=startup.update_startup)
async def save_startup(actor: Actor, server_id: UUID, call: Call) -> Page | Redirect:
    """Save variables and image; what was not changed is not sent on."""
    sent = await typed(call)
    shown = await startup.load_startup(actor, server_id)
    before = {one.env_variable: one.value for one in shown.variables}
    given = typed_environment((one for one in shown.variables if one.user_editable), sent)
    values: dict[str, Any] = {"environment": {name: text for name, text in given.items() if text != before[name]}}
    if sent.get("image") and sent["image"] != shown.image:
        values["image"] = sent["image"]
    done = await submit_variables(
        call, StartupIn, lambda wanted: startup.update_startup(actor, server_id, wanted), values
    )
    if isinstance(done, Done):
        notice = _("Saved. It takes effect when the server starts the next time.")
        return Redirect(f"/servers/{server_id}/startup", notice=notice)
    return await _startup(actor, server_id, call, done)


async def _startup(actor: Actor, server_id: UUID, call: Call, problems: Problems) -> Page:
    shown = await startup.load_startup(actor, server_id)
    server = await listing.load_server(actor, server_id)
    may = "startup.update" in server.permissions and is_changeable(server)
    values = {"startup": shown, "fields": _fields(server, shown, problems, may), "problems": problems, "may_save": may}
    return await server_page(call, server, "/startup", "startup.html", status=problems.status, **values)


def _fields(server: Server, shown: Startup, problems: Problems, may: bool) -> list[forms.Field]:
    values = {one.env_variable: one.value for one in shown.variables}

    def may_change(one: EggVariable) -> bool:
        return may and one.user_editable

    return [
        *_image_field(shown, problems, may),
        *variable_fields(shown.variables, values, problems, may_change=may_change),
    ]


def _image_field(shown: Startup, problems: Problems, may: bool) -> list[forms.Field]:
    """Left out where there is nothing to choose; locked where an administrator gave an image of their own."""
    is_own = shown.image not in shown.images.values()
    if len(shown.images) < 2 and not is_own:
        return []
    options = [(image, label) for label, image in shown.images.items()]
    locked = {"disabled": True} if is_own or not may else {}
    return [
        {
            "name": "image",
            "label": _("Image"),
            "kind": "select",
            "required": True,
            "options": [*([(shown.image, shown.image)] if is_own else []), *options],
            "value": problems.typed.get("image", shown.image),
            "help": _("An administrator chose this one.") if is_own else _("The version of the runtime."),
            "errors": problems.fields.get("image", []),
            **locked,
        }
    ]
