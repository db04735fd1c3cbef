"""Nodes: the machines things run on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import yaml
from quart import Response

from muntin.access import Actor
from muntin.api.json import dumps
from muntin.call import Call
from muntin.nodes import halves, service
from muntin.nodes.schemas import NodeChanges, NodeIn, NodeQuery
from muntin.pages import forms
from muntin.pages.admin import admin_page
from muntin.pages.answers import Page, Redirect
from muntin.pages.node_figures import sampled, shown_series
from muntin.pages.rows import row
from muntin.pages.slots import slot
from muntin.pages.submitting import Done, Problems, attempt, require_name, submit, typed
from muntin.pages.tables import view
from muntin.routing import Routes
from muntin.translation import _

routes = Routes(dialect="pages", prefix="/admin/nodes", tags=("admin",))
LIST = "/admin/nodes"


@routes.get("", query=NodeQuery, service=service.list_nodes)
async def list_nodes(actor: Actor, call: Call, query: NodeQuery) -> Page:
    """Every node."""
    page = await service.list_nodes(actor, query)
    rows = [row(one, path=f"{LIST}/{one.id}", live=f"node:{one.id}") for one in page.items]
    values = {"rows": rows, "view": view(call, page, sort="name"), "live_path": "/live", "here": call.request.full_path}
    return admin_page("nodes/list", _("Nodes"), values)


@routes.get("/new", service=service.create_node)
async def new_node(actor: Actor) -> Page:
    """The form of a new node."""
    return _new(Problems())


@routes.post("/new", service=service.create_node)
async def create_node(actor: Actor, call: Call) -> Page | Redirect:
    """Add a node, and show the command that makes a machine this node, once."""
    done = await submit(call, NodeIn, lambda form: service.create_node(actor, form))
    if not isinstance(done, Done):
        return _new(done)
    if not actor.may("admin.nodes.update"):
        return Redirect(f"{LIST}/{done.value.id}", notice="created")
    return await _enrolment(actor, done.value.id)


@routes.get("/<uuid:node_id>", service=service.load_node)
async def show_node(actor: Actor, call: Call, node_id: UUID) -> Page:
    """One node: how it is, what it has promised."""
    node = await service.load_node(actor, node_id)
    values = {
        "node": node,
        "live_path": "/live",
        "halves": await halves.load_halves(actor, node_id),
        "contents": await slot(call, "node.cards", {"node": node}),
    }
    return _node_page("show", node, node.name, "", values)


@routes.get("/<uuid:node_id>/figures/<string:of>", service=service.load_stats)
async def show_figures(actor: Actor, node_id: UUID, of: str) -> Response:
    """Figures of the machine since somebody began to look, for a chart."""
    body = dumps(shown_series(await sampled(actor, node_id), of))
    return Response(body, content_type="application/json", headers={"Cache-Control": "no-store"})


@routes.get("/<uuid:node_id>/settings", service=service.update_node)
async def show_settings(actor: Actor, node_id: UUID) -> Page:
    """The form of a node."""
    return await _edit(actor, node_id, Problems())


@routes.post("/<uuid:node_id>/settings", service=service.update_node)
async def save_settings(actor: Actor, call: Call, node_id: UUID) -> Page | Redirect:
    """Change a node."""
    done = await submit(call, NodeChanges, lambda form: service.update_node(actor, node_id, form))
    if isinstance(done, Done):
        return Redirect(f"{LIST}/{node_id}/settings", notice="saved")
    return await _edit(actor, node_id, done)


@routes.post("/<uuid:node_id>/maintenance", service=service.update_node)
async def switch_maintenance(actor: Actor, call: Call, node_id: UUID) -> Redirect:
    """Take a node out of use, or back."""
    on = (await typed(call)).get("on") == "true"
    notice = _("The node is in maintenance.") if on else _("The node is in use again.")
    change = service.update_node(actor, node_id, NodeChanges(maintenance_mode=on))
    return await attempt(change, back=f"{LIST}/{node_id}", notice=notice)


@routes.get("/<uuid:node_id>/configuration", service=service.load_configuration)
async def show_configuration(actor: Actor, node_id: UUID) -> Page:
    """What the agent keeps in its configuration file."""
    node = await service.load_node(actor, node_id)
    configuration = await service.load_configuration(actor, node_id)
    text = yaml.safe_dump(_plain(row(configuration)), sort_keys=False)
    return _node_page("configuration", node, _("Configuration"), "configuration", {"node": node, "text": text})


@routes.post("/<uuid:node_id>/enrol", service=service.issue_enrolment_token)
async def enrol(actor: Actor, node_id: UUID) -> Page:
    """A fresh command that makes a machine this node."""
    return await _enrolment(actor, node_id)


@routes.post("/<uuid:node_id>/rotate", service=service.rotate_token)
async def rotate(actor: Actor, node_id: UUID) -> Redirect:
    """Give the node a new credential."""
    notice = _("The node has a new credential; it fetches it by itself.")
    return await attempt(service.rotate_token(actor, node_id), back=f"{LIST}/{node_id}/configuration", notice=notice)


@routes.post("/<uuid:node_id>/delete", service=service.delete_node)
async def delete_node(actor: Actor, call: Call, node_id: UUID) -> Redirect:
    """Remove a node whose name was typed."""

    async def named() -> None:
        require_name(await typed(call), (await service.load_node(actor, node_id)).name)
        await service.delete_node(actor, node_id)

    return await attempt(named(), back=f"{LIST}/{node_id}/settings", then=LIST, notice="deleted")


async def _enrolment(actor: Actor, node_id: UUID) -> Page:
    node = await service.load_node(actor, node_id)
    token = await service.issue_enrolment_token(actor, node_id)
    return _node_page("enrol", node, _("Connect the machine"), "", {"node": node, "token": token})


def _node_page(template: str, node: Any, title: str, tab: str, values: Mapping[str, Any], *, status: int = 200) -> Page:
    base = f"{LIST}/{node.id}"
    tabs = [
        {"label": _("Overview"), "path": base, "icon": "activity", "current": template == "show"},
        {"label": _("Settings"), "path": f"{base}/settings", "icon": "settings", "current": tab == "settings"},
        {"label": _("Configuration"), "path": f"{base}/configuration", "icon": "file-code",
         "current": tab == "configuration"},
    ]  # fmt: skip
    above = ((_("Nodes"), LIST),) if title == node.name else ((_("Nodes"), LIST), (node.name, base))
    return admin_page(f"nodes/{template}", title, {"tabs": tabs, **values}, above=above, status=status)


def _new(found: Problems) -> Page:
    known = {"scheme": "https", **found.typed}
    fields = forms.fields(NodeIn, known, errors=found.fields, without=("maintenance_mode",), more=_more())
    values = {"fields": fields, "problems": found}
    return admin_page("nodes/new", _("New node"), values, above=((_("Nodes"), LIST),), status=found.status)


async def _edit(actor: Actor, node_id: UUID, found: Problems) -> Page:
    node = await service.load_node(actor, node_id)
    known = {name: getattr(node, name, None) for name in NodeChanges.model_fields} | dict(found.typed)
    without = ("maintenance_mode", "data_directory")
    fields = forms.fields(NodeChanges, known, errors=found.fields, without=without, more=_more())
    values = {"node": node, "fields": fields, "problems": found}
    return _node_page("settings", node, _("Settings"), "settings", values, status=found.status)


def _more() -> dict[str, forms.Field]:
    """Words, units and order of the fields, the same for making and changing."""
    where, room, how = _("Where it is"), _("What it may promise"), _("How it is used")
    percent = {"unit": "%", "section": room}
    return {
        "name": {"required": True},
        "description": {"kind": "textarea", "rows": 2},
        "location": {"placeholder": _("Falkenstein")},
        "fqdn": {
            "label": _("Host name or address"),
            "required": True,
            "section": where,
            "placeholder": "node1.example.org",
        },
        "scheme": {"label": _("Protocol"), "required": True, "section": where},
        "daemon_port": {"label": _("Port"), "required": True, "section": where},
        "sftp_port": {"label": _("SFTP port"), "required": True, "section": where},
        "behind_proxy": {"label": _("Behind a proxy"), "section": where, "help": _("Something else ends TLS for it.")},
        "data_directory": {"label": _("Data folder"), "section": where, "placeholder": "/var/lib/muntin-node"},
        "memory": {"unit": "MiB", "required": True, "section": room},
        "memory_overallocate": {**percent, "label": _("Memory beyond"), "required": True, "help": _("-1: no limit.")},
        "disk": {"unit": "MiB", "required": True, "section": room},
        "disk_overallocate": {**percent, "label": _("Disk beyond"), "required": True, "help": _("-1: no limit.")},
        "cpu": {"label": _("CPU"), **percent, "help": _("100 is one core; empty: not counted.")},
        "upload_size": {"label": _("Largest upload"), "unit": "MiB", "required": True, "section": how},
        "is_public": {"label": _("Takes new servers by itself"), "section": how},
    }


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, UUID) else value for name, value in values.items()}
