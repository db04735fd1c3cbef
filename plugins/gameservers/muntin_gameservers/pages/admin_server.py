"""One server, for administrators: settings and limits, game, suspension, moving, reinstalling, deleting."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from muntin import clock
from muntin.access import Actor, require
from muntin.accounts.models import AccountRow
from muntin.call import Call
from muntin.errors import NotFound
from muntin.nodes.models import NodeRow
from muntin.pages import forms
from muntin.pages.answers import Crumb, Page, Redirect
from muntin.pages.submitting import Done, Problems, attempt, require_name, submit, typed
from muntin.routing import Routes
from muntin.translation import _
from muntin_gameservers.models import AllocationRow, EggRow, ServerRow
from muntin_gameservers.nests.shown import shown_one
from muntin_gameservers.pages.admin_servers import CRUMBS
from muntin_gameservers.pages.identifiers import identifier
from muntin_gameservers.pages.server_forms import LABELS, egg_field, owner_field
from muntin_gameservers.pages.unreachable import away_nodes, shown_status
from muntin_gameservers.pages.variables import submit_variables, typed_environment, variable_fields
from muntin_gameservers.pages.view import LIVE, address_of
from muntin_gameservers.schemas import Server, ServerChanges
from muntin_gameservers.servers import changes, listing, removal
from muntin_gameservers.servers.transfers.finding import OPEN, latest_transfer

routes = Routes(dialect="pages", prefix="/admin/servers/<uuid:server_id>", tags=("servers",))
SETTINGS = ("name", "user_id", "description", "external_id")
LIMITS = ("memory", "disk", "cpu", "swap", "io", "allocations_limit", "databases_limit", "backups_limit")
GAME = ("egg_id", "image", "startup")
REQUIRED = ("name", *LIMITS, *GAME)
FAILURE_SHOWN = timedelta(days=7)


@routes.get("", service=listing.load_any_server)
async def show_server(actor: Actor, server_id: UUID) -> Page:
    """One server's limits and what can be done with it."""
    return await _page(actor, server_id, Problems(), Problems())


@routes.post("", service=changes.update_server)
async def save_server(actor: Actor, server_id: UUID, call: Call) -> Page | Redirect:
    """Change settings and limits."""
    require(actor, "admin.servers.update")
    sent = await typed(call)
    values = {name: value for name, value in forms.read(ServerChanges, sent).items() if name in (*SETTINGS, *LIMITS)}
    done = await submit(
        call, ServerChanges, lambda wanted: changes.update_server(actor, server_id, wanted), values=values
    )
    if isinstance(done, Done):
        return Redirect(_path(server_id), notice="saved")
    return await _page(actor, server_id, done, Problems())


@routes.post("/game", service=changes.update_server)
async def save_game(actor: Actor, server_id: UUID, call: Call) -> Page | Redirect:
    """Change egg, image, start command and variables; another egg begins with its own command and image."""
    require(actor, "admin.servers.update")
    sent = await typed(call)
    server = await listing.load_any_server(actor, server_id)
    if sent.get("egg_id") and sent["egg_id"] != str(server.egg_id):
        values = await _of_other_egg(sent["egg_id"])
    else:
        egg = await shown_one(await EggRow.get(id=server.egg_id))
        values = {name: sent[name] for name in ("image", "startup") if sent.get(name)}
        values["environment"] = typed_environment(egg.variables, sent)
    done = await submit_variables(
        call, ServerChanges, lambda wanted: changes.update_server(actor, server_id, wanted), values
    )
    if isinstance(done, Done):
        return Redirect(_path(server_id), notice=_("Saved. It takes effect when the server starts the next time."))
    return await _page(actor, server_id, Problems(), done)


async def _of_other_egg(egg_id: str) -> dict[str, Any]:
    values: dict[str, Any] = {"egg_id": egg_id}
    known = identifier(egg_id)
    row = await EggRow.get_or_none(id=known) if known else None
    if row is not None:
        egg = await shown_one(row)
        values |= {"startup": egg.startup, "image": next(iter(egg.docker_images.values()), None)}
    return values


@routes.post("/suspend", service=changes.suspend_server)
async def suspend_server(actor: Actor, server_id: UUID, call: Call) -> Redirect:
    """Suspend a server."""
    reason = str((await typed(call)).get("reason", "")).replace("\0", "")[:1000].strip() or None
    work = changes.suspend_server(actor, server_id, reason=reason)
    return await attempt(work, back=_path(server_id), notice=_("The server is suspended."))


@routes.post("/unsuspend", service=changes.unsuspend_server)
async def unsuspend_server(actor: Actor, server_id: UUID) -> Redirect:
    """Let a server be used again."""
    work = changes.unsuspend_server(actor, server_id)
    return await attempt(work, back=_path(server_id), notice=_("The server may be used again."))


@routes.post("/reinstall", service=changes.reinstall_server)
async def reinstall_server(actor: Actor, server_id: UUID, call: Call) -> Redirect:
    """Run the install script again, after the name was typed."""
    require(actor, "admin.servers.update")
    sent = await typed(call)
    server = await listing.load_any_server(actor, server_id)

    async def act() -> None:
        require_name(sent, server.name)
        await changes.reinstall_server(actor, server_id, wipe="wipe" in sent)

    notice = _("The server is being reinstalled.")
    return await attempt(act(), back=_path(server_id), then=f"/servers/{server_id}", notice=notice)


@routes.post("/delete", service=removal.delete_server)
async def delete_server(actor: Actor, server_id: UUID, call: Call) -> Redirect:
    """Delete a server, after its name was typed."""
    require(actor, "admin.servers.delete")
    sent = await typed(call)
    server = await listing.load_any_server(actor, server_id)

    async def act() -> None:
        require_name(sent, server.name)
        await removal.delete_server(actor, server_id, force="force" in sent)

    notice = _("The server {name} is deleted.", name=server.name)
    return await attempt(act(), back=_path(server_id), then="/admin/servers", notice=notice)


def _path(server_id: UUID) -> str:
    return f"/admin/servers/{server_id}"


async def _page(actor: Actor, server_id: UUID, settings: Problems, game: Problems) -> Page:
    server = await listing.load_any_server(actor, server_id)
    row = await ServerRow.get_or_none(id=server.id).select_related("egg__nest", "owner")
    if row is None:
        raise NotFound  # deleted just now
    egg = await shown_one(row.egg)
    values = {
        "server": server,
        "status": shown_status(server, await away_nodes()),
        "address": address_of(server),
        "node": await NodeRow.get(id=server.node_id),
        "owner": row.owner,
        "ports": await AllocationRow.filter(server_id=server.id, node_id=server.node_id).count(),
        "egg": egg,
        "reason": row.suspension_reason or "",
        "fields": await _settings_fields(server, settings),
        "limits": _labelled(LIMITS, _stored(server, LIMITS) | dict(settings.typed), settings, {}),
        "game_fields": [
            *await _game_fields(server, game),
            *variable_fields(egg.variables, row.environment, game, section=_("Variables")),
        ],
        "problems": settings,
        "game_problems": game,
        "live_path": LIVE,
        "move": await _move(server),
        "may_update": actor.may("admin.servers.update"),
        "may_suspend": actor.may("admin.servers.suspend"),
        "may_delete": actor.may("admin.servers.delete"),
    }
    status = max(settings.status, game.status)
    crumbs = (*CRUMBS, Crumb(label=server.name))
    return Page("gameservers/admin_server.html", values, title=server.name, crumbs=crumbs, status=status)


async def _move(server: Server) -> dict[str, Any] | None:
    """The move that is under way, or the last one if it failed not long ago."""
    row = await latest_transfer(server.id)
    if row is None or row.state == "succeeded":
        return None
    if row.ended_at is not None and row.ended_at < clock.now() - FAILURE_SHOWN:
        return None
    names = dict(await NodeRow.filter(id__in=[row.source_node_id, row.target_node_id]).values_list("id", "name"))
    by = await AccountRow.get_or_none(id=row.ordered_by) if row.ordered_by else None
    return {
        "is_open": row.state in OPEN,
        "state": row.state,
        "reason": row.reason,
        "source": names.get(row.source_node_id, _("a node that is gone")),
        "target": names.get(row.target_node_id, _("a node that is gone")),
        "target_id": row.target_node_id,
        "ordered_by": by.username if by else "",
        "began_at": row.created_at,
    }


async def _settings_fields(server: Server, problems: Problems) -> list[forms.Field]:
    choices = {"user_id": await owner_field()}
    stored = _stored(server, SETTINGS) | {"user_id": str(server.user_id)}
    return _labelled(SETTINGS, {**stored, **problems.typed}, problems, choices)


def _stored(server: Server, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(server, name) for name in names}


async def _game_fields(server: Server, problems: Problems) -> list[forms.Field]:
    help_text = _("Another egg brings its own start command, image and variables; reinstall the server afterwards.")
    choices = {"egg_id": await egg_field() | {"help": help_text}}
    stored: dict[str, Any] = {"egg_id": str(server.egg_id), "image": server.image, "startup": server.startup}
    return _labelled(GAME, {**stored, **problems.typed}, problems, choices)


def _labelled(
    names: tuple[str, ...], values: dict[str, Any], problems: Problems, choices: dict[str, forms.Field]
) -> list[forms.Field]:
    more = {
        name: LABELS[name] | choices.get(name, {}) | ({"required": True} if name in REQUIRED else {}) for name in names
    }
    return forms.fields(ServerChanges, values, errors=problems.fields, only=names, more=more)
