"""Plugins: which are there, which run, why one does not, and changing the set."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any
from uuid import UUID

from muntin.access import Actor
from muntin.call import Call
from muntin.contributions import SettingsModel
from muntin.errors import InvalidInput, MuntinError, NotAuthenticated
from muntin.nodes import halves
from muntin.pages.admin import admin_page
from muntin.pages.answers import Page, Redirect
from muntin.pages.plugin_uploads import LARGEST_BYTES, read_upload
from muntin.pages.submitting import RAISED, attempt, require_name, typed
from muntin.plugins import states
from muntin.plugins.installing import ordering
from muntin.plugins.installing.service import DataChoice
from muntin.routing import Routes
from muntin.runtime import panel
from muntin.translation import _

routes = Routes(dialect="pages", prefix="/admin/plugins", tags=("admin",))
LIST = "/admin/plugins"


@routes.get("", service=states.list_plugins)
async def list_plugins(actor: Actor, call: Call) -> Page:
    """Every installed plugin, and those whose data was kept."""
    plugins = await states.list_plugins(actor)
    reports = (await ordering.list_reports(actor))[:5]
    configuration = panel().configuration
    values = {"plugins": plugins, "safe_mode": configuration.safe_mode, "reports": reports}
    return admin_page("plugins/list", _("Plugins"), values | {"may_upload": configuration.plugin_install})


@routes.get("/<string:name>", service=states.load_plugin_state)
async def show_plugin(actor: Actor, name: str) -> Page:
    """One plugin."""
    plugin = await states.load_plugin_state(actor, name)
    found = await halves.list_halves(actor, name) if actor.may("admin.nodes.list") else ()
    values = {"plugin": plugin, "halves": found, "settings_path": _settings_path(actor, name)}
    return admin_page("plugins/show", plugin.name, values, above=((_("Plugins"), LIST),))


def _settings_path(actor: Actor, name: str) -> str:
    """Where the plugin is set up; nothing where it has no settings, or the actor may not see them."""
    sections = [one.value for one in panel().registry.owned(SettingsModel) if one.plugin == name]
    return next((f"/admin/settings/{one.section}" for one in sections if actor.may(one.permission)), "")


@routes.post("/<string:name>/enable", service=states.enable_plugin)
async def enable_plugin(actor: Actor, name: str) -> Redirect:
    """Switch a plugin on, everywhere, at once; also one that was quarantined."""
    return await attempt(states.enable_plugin(actor, name), back=LIST, notice=_("{name} is enabled.", name=name))


@routes.post("/<string:name>/disable", service=states.disable_plugin)
async def disable_plugin(actor: Actor, name: str) -> Redirect:
    """Switch a plugin off, everywhere, at once; its data stays."""
    return await attempt(states.disable_plugin(actor, name), back=LIST, notice=_("{name} is disabled.", name=name))


@routes.get("/install/upload", service=ordering.order_install)
async def new_upload(actor: Actor) -> Page:
    """The form for a wheel."""
    if not panel().configuration.plugin_install:
        raise ordering.InstallingIsOff
    return _upload_page("")


@routes.post("/install/upload", service=ordering.order_install, max_body_bytes=LARGEST_BYTES)
async def upload(actor: Actor, call: Call) -> Page | Redirect:
    """Install an uploaded wheel; the page of its report shows how it goes."""
    try:
        sent = await read_upload(call)
        report_id = await ordering.order_install(
            actor,
            sent.data,
            file_name=sent.file_name,
            password=sent.fields.get("password", ""),
            code=sent.fields.get("code", ""),
        )
    except (NotAuthenticated, ordering.InstallingIsOff):
        raise
    except MuntinError as error:
        return _upload_page(_sentence(error))
    return Redirect(f"{LIST}/changes/{report_id}")


@routes.post("/<string:name>/uninstall", service=ordering.order_uninstall)
async def uninstall(actor: Actor, call: Call, name: str) -> Redirect:
    """Uninstall a plugin, and keep, export or purge its data."""
    return await _ordered(_uninstall(actor, await typed(call), name))


async def _uninstall(actor: Actor, sent: Mapping[str, Any], name: str) -> UUID:
    data = _data_choice(str(sent.get("data", "")))
    if data != "keep":
        require_name(sent, name)
    return await ordering.order_uninstall(actor, name, data=data)


def _data_choice(said: str) -> DataChoice:
    match said:
        case "keep" | "export" | "purge":
            return said
        case _:
            raise InvalidInput.of("data", _("Say what is to become of its data."))


@routes.post("/<string:name>/purge", service=ordering.order_purge)
async def purge(actor: Actor, call: Call, name: str) -> Redirect:
    """Delete what an uninstalled plugin left."""
    return await _ordered(_purge(actor, await typed(call), name))


async def _purge(actor: Actor, sent: Mapping[str, Any], name: str) -> UUID:
    require_name(sent, name)
    return await ordering.order_purge(actor, name)


@routes.get("/changes/<uuid:report_id>", service=ordering.load_report)
async def show_report(actor: Actor, report_id: UUID) -> Page:
    """How a change goes, step by step."""
    report = await ordering.load_report(actor, report_id)
    return admin_page("plugins/report", report.target, {"report": report}, above=((_("Plugins"), LIST),))


async def _ordered(order: Awaitable[UUID]) -> Redirect:
    """Go on to the report of what was begun; back with a word when it was refused."""
    try:
        return Redirect(f"{LIST}/changes/{await order}")
    except RAISED:
        raise
    except MuntinError as error:
        return Redirect(LIST, notice=_sentence(error), kind="danger")


def _upload_page(error: str) -> Page:
    values = {"error": error, "limit_mib": LARGEST_BYTES // 2**20}
    return admin_page(
        "plugins/upload", _("Install a plugin"), values, above=((_("Plugins"), LIST),), status=422 if error else 200
    )


def _sentence(error: MuntinError) -> str:
    fields = getattr(error, "fields", {})
    return " ".join(one for messages in fields.values() for one in messages) or error.message
