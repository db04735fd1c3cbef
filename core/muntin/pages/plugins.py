"""Plugins: which are there, which run, and why one does not."""

from __future__ import annotations

from muntin.access import Actor
from muntin.call import Call
from muntin.pages.admin import admin_page
from muntin.pages.answers import Page, Redirect
from muntin.pages.submitting import attempt
from muntin.plugins import states
from muntin.routing import Routes
from muntin.runtime import panel
from muntin.translation import _

routes = Routes(dialect="pages", prefix="/admin/plugins", tags=("admin",))
LIST = "/admin/plugins"


@routes.get("", service=states.list_plugins)
async def list_plugins(actor: Actor, call: Call) -> Page:
    """Every installed plugin."""
    plugins = await states.list_plugins(actor)
    values = {"plugins": plugins, "safe_mode": panel().configuration.safe_mode}
    return admin_page("plugins/list", _("Plugins"), values)


@routes.post("/<string:name>/enable", service=states.enable_plugin)
async def enable_plugin(actor: Actor, name: str) -> Redirect:
    """Switch a plugin on, everywhere, at once."""
    return await attempt(states.enable_plugin(actor, name), back=LIST, notice=_("{name} is enabled.", name=name))


@routes.post("/<string:name>/disable", service=states.disable_plugin)
async def disable_plugin(actor: Actor, name: str) -> Redirect:
    """Switch a plugin off, everywhere, at once; its data stays."""
    return await attempt(states.disable_plugin(actor, name), back=LIST, notice=_("{name} is disabled.", name=name))
