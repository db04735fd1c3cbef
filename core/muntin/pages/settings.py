"""Settings: a page for each section, made from its model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from muntin.access import Actor
from muntin.call import Call
from muntin.errors import InvalidInput, MuntinError, NotFound
from muntin.mail.service import send_test_mail
from muntin.pages import forms
from muntin.pages.admin import admin_page
from muntin.pages.answers import Page, Redirect
from muntin.pages.submitting import RAISED, Problems, attempt, problems, typed
from muntin.routing import Routes
from muntin.settings import service
from muntin.settings.service import SectionView
from muntin.translation import _

routes = Routes(dialect="pages", prefix="/admin/settings", tags=("admin",))
BASE = "/admin/settings"


@routes.get("", service=service.read_settings)
async def first_section(actor: Actor) -> Redirect:
    """The first section that the actor may read."""
    sections = await service.read_settings(actor)
    if not sections:
        raise NotFound
    return Redirect(f"{BASE}/{sections[0].section}")


@routes.get("/<string:section>", service=service.read_settings)
async def show_section(actor: Actor, section: str) -> Page:
    """One section."""
    return await _section(actor, section, Problems())


@routes.post("/<string:section>", service=service.change_settings)
async def save_section(actor: Actor, call: Call, section: str) -> Page | Redirect:
    """Change one section; nothing is changed when anything is wrong."""
    sent = await typed(call)
    shown = await _find(actor, section)
    version = str(sent.pop("version", ""))
    wanted = {name: value for name, value in forms.read(shown.model, sent).items() if name not in shown.fixed}
    versions = {section: int(version)} if version.isdecimal() else None
    try:
        await service.change_settings(actor, changes={section: wanted}, versions=versions)
    except MuntinError as error:
        if isinstance(error, RAISED):
            raise
        return await _section(actor, section, problems(_unprefixed(error), sent, shown.model.model_fields))
    return Redirect(f"{BASE}/{section}", notice="saved")


@routes.post("/mail/test", service=send_test_mail)
async def send_test(actor: Actor, call: Call) -> Redirect:
    """Send a test mail to oneself."""
    return await attempt(send_test_mail(actor), back=f"{BASE}/mail", notice=_("A test mail was handed over."))


async def _find(actor: Actor, section: str) -> SectionView:
    for one in await service.read_settings(actor):
        if one.section == section:
            return one
    raise NotFound


def _unprefixed(error: MuntinError) -> MuntinError:
    """Fields by their own names, as the form of one section has them."""
    if not isinstance(error, InvalidInput):
        return error
    return InvalidInput({name.partition(".")[2] or name: messages for name, messages in error.fields.items()})


async def _section(actor: Actor, section: str, found: Problems) -> Page:
    shown = await _find(actor, section)
    typed_values = forms.read(shown.model, found.typed) if found.typed else {}
    known = {**shown.values, **{name: value for name, value in typed_values.items() if name in shown.values}}
    fields = forms.fields(shown.model, known, errors=found.fields, more=_fixed(shown))
    for field in fields:
        if shown.model.model_fields[field["name"]].default not in ("", None):
            field["required"] = True  # it always has a value, so it is not one to leave out
        if field["name"] == "timezone":
            field["suggestions"] = forms.time_zones()
        if field["kind"] == "secret":
            field["is_set"] = bool(shown.values.get(field["name"]))
    fields.append({"name": "version", "kind": "hidden", "value": shown.version})
    values = {
        "section": shown,
        "fields": fields,
        "problems": found,
        "tabs": await _tabs(actor, section),
    }
    return admin_page("settings/section", shown.title, values, above=((_("Settings"), BASE),), status=found.status)


def _fixed(shown: SectionView) -> dict[str, dict[str, Any]]:
    """Fields that the environment decides can be read only."""
    return {
        name: {"readonly": True, "disabled": True, "help": _("{name} decides this.", name=variable)}
        for name, variable in shown.fixed.items()
    }


async def _tabs(actor: Actor, current: str) -> list[Mapping[str, Any]]:
    return [
        {"label": one.title, "path": f"{BASE}/{one.section}", "current": one.section == current}
        for one in await service.read_settings(actor)
    ]
