"""One egg: what it holds, changing it, giving it out, deleting it."""

from __future__ import annotations

from uuid import UUID

from quart import Response

from muntin.access import Actor, require
from muntin.call import Call
from muntin.pages.answers import Crumb, Page, Redirect
from muntin.pages.submitting import Done, Problems, attempt, require_name, submit, typed
from muntin.routing import Routes
from muntin.translation import _
from muntin_gameservers.models import NestRow
from muntin_gameservers.nests import eggs, importing
from muntin_gameservers.nests.schemas import Egg, ExportQuery
from muntin_gameservers.pages.admin_eggs import CRUMBS
from muntin_gameservers.pages.egg_form import EggForm, as_text, changes_of, fields_of

routes = Routes(dialect="pages", prefix="/admin/eggs/<uuid:egg_id>", tags=("eggs",))
FORMATS = ("PTDL_v1", "PTDL_v2", "PLCN_v1", "PLCN_v2", "PLCN_v3")


@routes.get("", service=eggs.load_egg)
async def show_egg(actor: Actor, egg_id: UUID) -> Page:
    """What an egg holds."""
    egg = await eggs.load_egg(actor, egg_id)
    base = f"/admin/eggs/{egg.id}"
    exports = [{"label": one, "path": f"{base}/export?format={one}", "icon": "download"} for one in FORMATS]
    as_yaml = {"label": "PLCN_v3 (YAML)", "path": f"{base}/export?format=PLCN_v3&syntax=yaml", "icon": "download"}
    values = {
        "egg": egg,
        "nest": await NestRow.get(id=egg.nest_id),
        "base": base,
        "exports": [*exports, as_yaml],
        "may_edit": actor.may("admin.eggs.edit"),
        "may_import": actor.may("admin.eggs.import"),
    }
    return Page("gameservers/admin_egg.html", values, title=egg.name, crumbs=(*CRUMBS, Crumb(label=egg.name)))


@routes.get("/edit", service=eggs.update_egg)
async def edit_egg(actor: Actor, egg_id: UUID) -> Page:
    """The form."""
    require(actor, "admin.eggs.edit")
    return _editing(await eggs.load_egg(actor, egg_id), Problems())


@routes.post("/edit", service=eggs.update_egg)
async def save_egg(actor: Actor, egg_id: UUID, call: Call) -> Page | Redirect:
    """Change an egg; what the form does not show stays as it was imported."""
    require(actor, "admin.eggs.edit")
    before = await eggs.load_egg(actor, egg_id)

    async def act(form: EggForm) -> Egg:
        return await eggs.update_egg(actor, egg_id, changes_of(form, before))

    done = await submit(call, EggForm, act)
    return Redirect(f"/admin/eggs/{egg_id}", notice="saved") if isinstance(done, Done) else _editing(before, done)


def _editing(egg: Egg, problems: Problems) -> Page:
    values = {
        "fields": fields_of({**as_text(egg), **problems.typed}, problems.fields),
        "problems": problems,
        "action": f"/admin/eggs/{egg.id}/edit",
        "cancel": f"/admin/eggs/{egg.id}",
        "uses": ["editor"],
        "card_title": _("What the egg holds"),
    }
    crumbs = (*CRUMBS, Crumb(label=egg.name, path=f"/admin/eggs/{egg.id}"), Crumb(label=_("Change")))
    title = _("Change {name}", name=egg.name)
    return Page("gameservers/admin_form.html", values, title=title, crumbs=crumbs, status=problems.status)


@routes.get("/export", query=ExportQuery, service=importing.export_egg)
async def export_egg(actor: Actor, egg_id: UUID, query: ExportQuery) -> Response:
    """An egg as a file of the chosen format."""
    version = None if query.format == "own" else query.format
    file = await importing.export_egg(actor, egg_id, version=version, syntax=query.syntax)
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"', "X-Content-Type-Options": "nosniff"}
    return Response(file.data, content_type=file.content_type, headers=headers)


@routes.post("/delete", service=eggs.delete_egg)
async def delete_egg(actor: Actor, egg_id: UUID, call: Call) -> Redirect:
    """Delete an egg that no server runs, after its name was typed."""
    require(actor, "admin.eggs.edit")
    egg = await eggs.load_egg(actor, egg_id)
    sent = await typed(call)

    async def act() -> None:
        require_name(sent, egg.name)
        await eggs.delete_egg(actor, egg_id)

    notice = _("The egg {name} is deleted.", name=egg.name)
    return await attempt(act(), back=f"/admin/eggs/{egg_id}", then="/admin/eggs", notice=notice)
