"""Taking egg files in: pasted as text, or uploaded."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from muntin.access import Actor
from muntin.call import Call
from muntin.errors import MuntinError
from muntin.pages import forms
from muntin.pages.answers import Crumb, Page, Redirect
from muntin.pages.submitting import RAISED, Done, Problems, problems, submit
from muntin.routing import Routes
from muntin.schemas import Input
from muntin.translation import _
from muntin_gameservers.api.egg_uploads import read_upload
from muntin_gameservers.models import EggRow, NestRow
from muntin_gameservers.nests import importing
from muntin_gameservers.nests.schemas import Egg, ImportQuery
from muntin_gameservers.pages.admin_eggs import CRUMBS
from muntin_gameservers.pages.identifiers import identifier

routes = Routes(dialect="pages", prefix="/admin/eggs/import", tags=("eggs",))


class PastedEgg(Input):
    """An egg file as text."""

    nest_id: UUID
    text: Annotated[str, Field(min_length=2, max_length=1024 * 1024)]
    overwrite_egg_id: UUID | None = None


@routes.get("", service=importing.import_egg)
async def show_import(actor: Actor, call: Call) -> Page:
    """The forms for an egg file; the address may name an egg that it replaces."""
    return await _page(call, Problems(), Problems())


@routes.post("", service=importing.import_egg)
async def import_text(actor: Actor, call: Call) -> Page | Redirect:
    """Import what was pasted."""

    async def act(wanted: PastedEgg) -> Egg:
        return await importing.import_egg(
            actor, data=wanted.text.encode(), nest_id=wanted.nest_id, overwrite_egg_id=wanted.overwrite_egg_id
        )

    done = await submit(call, PastedEgg, act)
    return _imported(done.value) if isinstance(done, Done) else await _page(call, Problems(), done)


@routes.post("/file", service=importing.import_egg)
async def import_file(actor: Actor, call: Call) -> Page | Redirect:
    """Import an uploaded file."""
    try:
        upload = await read_upload(call, ImportQuery())
        egg = await importing.import_egg(
            actor,
            data=upload.data,
            file_name=upload.file_name,
            nest_id=upload.nest_id,
            overwrite_egg_id=upload.overwrite_egg_id,
        )
    except RAISED:
        raise
    except MuntinError as error:
        return await _page(call, problems(error, {}, {"nest_id": None, "file": None}), Problems())
    return _imported(egg)


def _imported(egg: Egg) -> Redirect:
    return Redirect(f"/admin/eggs/{egg.id}", notice=_("The egg {name} is imported.", name=egg.name))


async def _page(call: Call, file: Problems, text: Problems) -> Page:
    replaced_id = identifier(call.request.args.get("replace") or text.typed.get("overwrite_egg_id"))
    replaced = await EggRow.get_or_none(id=replaced_id) if replaced_id else None
    nests = [(str(row.id), row.name) for row in await NestRow.all().order_by("name")]
    target = _target(replaced, nests, call.request.args.get("nest", ""))
    values: dict[str, Any] = {
        "replaced": replaced,
        "nests": nests,
        "file_fields": [_with(one, file) for one in target],
        "file_errors": [*file.general, *file.fields.get("file", ())],
        "text_fields": [*(_with(one, text) for one in target), _text_field(text)],
        "text_errors": text.general,
    }
    title = _("Replace {name}", name=replaced.name) if replaced else _("Import an egg")
    crumbs = (*CRUMBS, Crumb(label=title))
    status = max(file.status, text.status)
    return Page("gameservers/admin_egg_import.html", values, title=title, crumbs=crumbs, status=status)


def _target(replaced: EggRow | None, nests: list[tuple[str, str]], nest: str) -> list[forms.Field]:
    """Where the file goes: to a nest that is chosen, or in place of an egg."""
    if replaced is not None:
        return [
            {"name": "nest_id", "kind": "hidden", "value": str(replaced.nest_id)},
            {"name": "overwrite_egg_id", "kind": "hidden", "value": str(replaced.id)},
        ]
    field = {"name": "nest_id", "label": _("Nest"), "kind": "select", "options": nests, "required": True}
    return [field | {"value": nest}]


def _with(field: forms.Field, found: Problems) -> forms.Field:
    name = field["name"]
    return field | {"value": found.typed.get(name, field["value"]), "errors": found.fields.get(name, [])}


def _text_field(found: Problems) -> forms.Field:
    return {
        "name": "text",
        "label": _("Egg file"),
        "kind": "editor",
        "language": "json",
        "required": True,
        "value": found.typed.get("text", ""),
        "errors": found.fields.get("text", []),
    }
