"""Making a server. Choosing an egg or a node brings what depends on it into the form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from muntin.access import Actor
from muntin.call import Call
from muntin.nodes.models import NodeRow
from muntin.pages import forms
from muntin.pages.answers import Crumb, Page, Redirect
from muntin.pages.submitting import Done, Problems, typed
from muntin.routing import Routes
from muntin.translation import _
from muntin_gameservers.models import AllocationRow, EggRow
from muntin_gameservers.nests.schemas import Egg
from muntin_gameservers.nests.shown import shown_one
from muntin_gameservers.pages.admin_servers import CRUMBS
from muntin_gameservers.pages.identifiers import identifier
from muntin_gameservers.pages.server_forms import LABELS, egg_field, node_field, owner_field, port_field
from muntin_gameservers.pages.variables import submit_variables, typed_environment, variable_fields
from muntin_gameservers.schemas import ServerIn
from muntin_gameservers.servers import creation

routes = Routes(dialect="pages", prefix="/admin/servers/new", tags=("servers",))
FIRST = ("name", "user_id")
LIMITS = ("memory", "disk", "cpu", "swap", "allocations_limit", "databases_limit", "backups_limit")
LAST = ("start_on_completion", "skip_install")
SENT = (*FIRST, "egg_id", "image", "node_id", "allocation_id", *LIMITS, *LAST)
USUAL = {"memory": "1024", "disk": "5120"}


@routes.get("", service=creation.create_server)
async def new_server(actor: Actor, call: Call) -> Page:
    """The form; the address may name egg and node, which is how a change of one brings its part anew."""
    asked = {name: value for name, value in call.request.args.items() if name in SENT}
    return await _creating(actor, {"user_id": str(actor.account_id), **USUAL, **asked}, Problems())


@routes.post("", service=creation.create_server)
async def create_server(actor: Actor, call: Call) -> Page | Redirect:
    """Create a server."""
    sent = await typed(call)
    values = {name: value for name, value in forms.read(ServerIn, sent).items() if name in SENT}
    egg = await _egg(sent)
    if egg is not None and sent.get("shown_egg_id") == str(egg.id):
        values["environment"] = typed_environment(egg.variables, sent)
    else:
        values.pop("image", None)  # of another egg: scripts are off, and the egg was changed
    done = await submit_variables(call, ServerIn, lambda wanted: creation.create_server(actor, wanted), values)
    if isinstance(done, Done):
        notice = _("The server is created; its node installs it now.")
        return Redirect(f"/servers/{done.value.id}", notice=notice)
    return await _creating(actor, sent, done)


async def _creating(actor: Actor, values: Mapping[str, Any], problems: Problems) -> Page:
    egg = await _egg(values)
    shown = {
        "first": await _fields(FIRST, values, problems, {"user_id": await owner_field()}),
        "game": await _fields(("egg_id",), values, problems, {"egg_id": await egg_field()}),
        "variables": _variables(egg, values, problems),
        "place": await _fields(("node_id",), values, problems, {"node_id": await node_field()}),
        "port": await _port(values, problems),
        "limits": await _fields(LIMITS, values, problems, {}),
        "last": await _fields(LAST, values, problems, {}),
        "egg": egg,
        "problems": problems,
        "missing": await _missing(actor),
    }
    crumbs = (*CRUMBS, Crumb(label=_("New")))
    return Page(
        "gameservers/admin_new_server.html", shown, title=_("New server"), crumbs=crumbs, status=problems.status
    )


async def _fields(
    only: tuple[str, ...], values: Mapping[str, Any], problems: Problems, choices: Mapping[str, forms.Field]
) -> list[forms.Field]:
    more = {name: LABELS[name] | choices.get(name, {}) for name in only}
    return forms.fields(ServerIn, values, errors=problems.fields, only=only, more=more)


def _variables(egg: Egg | None, values: Mapping[str, Any], problems: Problems) -> list[forms.Field]:
    """Image and variables of the chosen egg."""
    if egg is None:
        return []
    images: list[forms.Field] = []
    if len(egg.docker_images) > 1:
        choices = [(image, label) for label, image in egg.docker_images.items()]
        first = {"name": "image", "label": _("Image"), "kind": "select", "required": True, "options": choices}
        images = [first | {"value": values.get("image", ""), "errors": problems.fields.get("image", [])}]
    hidden: forms.Field = {"name": "shown_egg_id", "kind": "hidden", "value": str(egg.id)}
    is_same = problems.typed.get("shown_egg_id") == str(egg.id)
    return [hidden, *images, *variable_fields(egg.variables, {}, problems if is_same else Problems())]


async def _port(values: Mapping[str, Any], problems: Problems) -> list[forms.Field]:
    node = identifier(values.get("node_id"))
    choices = {"allocation_id": await port_field(node, str(values.get("allocation_id") or ""))}
    return await _fields(("allocation_id",), values, problems, choices)


async def _egg(values: Mapping[str, Any]) -> Egg | None:
    egg_id = identifier(values.get("egg_id"))
    row = await EggRow.get_or_none(id=egg_id) if egg_id else None
    return await shown_one(row) if row else None


async def _missing(actor: Actor) -> list[dict[str, str]]:
    """What has to be there before a server can be made."""
    found = []
    node = await NodeRow.all().order_by("created_at").first()
    if node is None:
        found.append({"text": _("There is no node yet."), "path": "/admin/nodes", "label": _("Add a node")})
    elif not await AllocationRow.exists(server_id=None):
        path = f"/admin/nodes/{node.id}/ports"
        found.append({"text": _("No node has a free port."), "path": path, "label": _("Add ports")})
    if not await EggRow.exists():
        found.append({"text": _("There is no egg yet."), "path": "/admin/eggs/import", "label": _("Import an egg")})
    return found
