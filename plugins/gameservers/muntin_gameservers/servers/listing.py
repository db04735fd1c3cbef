"""Finding servers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from uuid import UUID

from muntin import audit
from muntin.access import Actor, guarded
from muntin.audit import Activity
from muntin.errors import BadRequest, NotFound
from muntin.schemas import Page, PageQuery
from muntin.translation import _
from muntin_gameservers.models import ServerRow
from muntin_gameservers.schemas import ActivityQuery, AdminServerQuery, Server, ServerQuery, ServerRights
from muntin_gameservers.servers.finding import Conditions, find_page, owned_by, shared_with
from muntin_gameservers.servers.shown import permissions_of, shown, shown_one

SORTABLE = {
    "name": "name",
    "status": "power",
    "created_at": "created_at",
    "memory": "memory_mib",
    "disk": "disk_mib",
    "cpu": "cpu_percent",
}
POWER = ("running", "starting", "stopping", "offline")
STAGES = ("installing", "install_failed")


@guarded("server.view", own=True)
async def list_servers(actor: Actor, query: ServerQuery) -> Page[Server]:
    """The servers the actor owns or shares in."""
    among = []
    if query.type != "subuser":
        among.append(owned_by(actor.account_id))
    if query.type != "owner":
        among.append(shared_with(actor.account_id))
    for wanted in among:
        if query.node_id:
            wanted.add("s.node_id = ?", query.node_id)
    return await _page(actor, among, query, query.status)


@guarded("admin.servers.list")
async def list_all_servers(actor: Actor, query: AdminServerQuery) -> Page[Server]:
    """Every server."""
    wanted = Conditions()
    for column, value in (("owner_id", query.user_id), ("node_id", query.node_id), ("egg_id", query.egg_id)):
        if value:
            wanted.add(f"s.{column} = ?", value)
    if query.external_id:
        wanted.add("s.external_id = ?", query.external_id)
    return await _page(actor, [wanted], query, query.status)


@guarded("server.view", on=ServerRow)
async def load_server(actor: Actor, server: ServerRow) -> Server:
    """One server."""
    return await shown_one(actor, server)


@guarded("settings.rename", on=ServerRow)
async def load_for_settings(actor: Actor, server: ServerRow) -> Server:
    """One server, for those who may change its settings."""
    return await shown_one(actor, server)


@guarded("admin.servers.list", on=ServerRow)
async def load_any_server(actor: Actor, server: ServerRow) -> Server:
    """One server, for administrators."""
    return await shown_one(actor, server)


@guarded("server.view", on=ServerRow)
async def load_rights(actor: Actor, server: ServerRow) -> ServerRights:
    """What the actor may do with the server."""
    rights = await server.rights_of(actor)
    return ServerRights(permissions=permissions_of(actor, rights), is_owner=server.owner_id == actor.account_id)


@guarded("activity.read", on=ServerRow)
async def list_activity(actor: Actor, server: ServerRow, query: ActivityQuery) -> Page[Activity]:
    """What was done with the server."""
    return await audit.activity_about("server", server.id, query, event=query.event)


async def server_id_of(text: str) -> UUID:
    """The id behind a uuid or a short id.

    Raises:
        NotFound: It is neither.
    """
    if len(text) == 8:
        row = await ServerRow.get_or_none(short_id=text)
        if row is not None:
            return row.id
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None


async def _page(actor: Actor, among: Sequence[Conditions], query: PageQuery, status: str) -> Page[Server]:
    for wanted in among:
        if query.search:
            _add_search(wanted, query.search)
        if status:
            _add_status(wanted, status)
    order = query.order(SORTABLE, default="name")
    found, total = await find_page(among, order, limit=query.per_page, offset=query.offset, viewer_id=actor.account_id)
    return Page.of(shown(actor, found), total, query)


def _add_search(wanted: Conditions, text: str) -> None:
    like = "%" + re.sub(r"([!%_])", r"!\1", text) + "%"
    columns = ("name", "short_id", "external_id")
    either = " OR ".join(f"UPPER(s.{column}) LIKE UPPER(?) ESCAPE '!'" for column in columns)
    wanted.add(f"({either})", *(like for _column in columns))


def _add_status(wanted: Conditions, status: str) -> None:
    if status == "suspended":
        wanted.add("s.is_suspended = ? AND s.stage NOT IN ('deleting', 'transferring')", True)
    elif status in ("deleting", "transferring"):
        wanted.add("s.stage = ?", status)
    elif status in POWER:
        wanted.add("s.is_suspended = ? AND s.stage = 'ready' AND s.power = ?", False, status)
    elif status in STAGES:
        wanted.add("s.is_suspended = ? AND s.stage = ?", False, status)
    else:
        raise BadRequest(_("{status} is not a status of servers.", status=repr(status)))
