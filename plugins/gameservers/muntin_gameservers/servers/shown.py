"""Servers as people and programs see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from uuid import UUID

from muntin.access import Actor, Grants
from muntin.database import read_datetime, read_json, read_uuid
from muntin.errors import NotFound
from muntin_gameservers.models import AllocationRow, EggRow, ServerRow, status_of
from muntin_gameservers.nests.stored import definition_of
from muntin_gameservers.permissions import OWNER_GRANTS, PERMISSIONS
from muntin_gameservers.schemas import Allocation, Server, SftpAddress
from muntin_gameservers.servers.finding import Found, find_one

SERVER_KEYS = tuple(permission.key for permission in PERMISSIONS if permission.on_resource)
LOCKED = frozenset({"installing", "transferring", "deleting"})
SEES_ALL = "admin.servers.update"
"""Who may set every variable sees every one; others see those their egg shows to users, and none in lists."""

# The same servers, owners and nodes are listed again and again.
_known_uuid = lru_cache(maxsize=16_384)(read_uuid)
_known_time = lru_cache(maxsize=16_384)(read_datetime)


def shown(actor: Actor, found: Sequence[Found]) -> list[Server]:
    """What was found as `Server`s."""
    sees_all, owned = actor.may(SEES_ALL), permissions_of(actor, OWNER_GRANTS)
    return [_server(actor, one, sees_all=sees_all, owned=owned) for one in found]


async def shown_one(actor: Actor, row: ServerRow) -> Server:
    """One server as it is stored now.

    Raises:
        NotFound: It was deleted meanwhile.
    """
    found = await find_one(row.id, viewer_id=actor.account_id)
    if found is None:
        raise NotFound
    [server] = shown(actor, [found])
    if "startup.read" in server.permissions and not actor.may(SEES_ALL):
        egg = definition_of(await EggRow.get(id=server.egg_id))
        visible = {one.env_variable for one in egg.variables if one.user_viewable}
        kept = {name: value for name, value in read_json(found.environment).items() if name in visible}
        return replace(server, environment=kept)
    return server


def _server(actor: Actor, found: Found, *, sees_all: bool, owned: tuple[str, ...]) -> Server:
    """One server, given what is the same for each of a list: that it is the actor's own gives the rights `owned`."""
    owner_id, is_suspended = _known_uuid(found.owner_id), bool(found.is_suspended)
    is_owner = owner_id == actor.account_id
    server_id = _known_uuid(found.id)
    allocation_id = _known_uuid(found.allocation_id) if found.allocation_id else None
    return Server(
        id=server_id,
        short_id=found.short_id,
        external_id=found.external_id,
        name=found.name,
        description=found.description,
        status=status_of(found.stage, is_suspended=is_suspended, power=found.power),
        is_suspended=is_suspended,
        is_locked=found.stage in LOCKED,
        memory=found.memory_mib,
        cpu=found.cpu_percent,
        disk=found.disk_mib,
        swap=found.swap_mib,
        io=found.io_weight,
        databases_limit=found.databases_limit,
        backups_limit=found.backups_limit,
        allocations_limit=found.allocations_limit,
        user_id=owner_id,
        node_id=_known_uuid(found.node_id),
        egg_id=_known_uuid(found.egg_id),
        allocation_id=allocation_id,
        allocation=_primary(allocation_id, server_id, found.port_ip, found)
        if allocation_id and found.port_ip
        else None,
        image=found.image,
        startup=found.startup,
        environment=read_json(found.environment) if sees_all else {},
        sftp=SftpAddress(
            host=found.node_fqdn, port=found.node_sftp_port, username=f"{actor.username}.{found.short_id}"
        ),
        is_owner=is_owner,
        permissions=owned if is_owner else permissions_of(actor, _shared_grants(found)),
        problem=found.problem,
        installed_at=_known_time(found.installed_at) if found.installed_at else None,
        created_at=_known_time(found.created_at),
        updated_at=_known_time(found.updated_at),
    )


def _shared_grants(found: Found) -> Grants:
    shared = found.shared
    return Grants(("server.view", *read_json(shared))) if shared else Grants()


def _primary(allocation_id: UUID, server_id: UUID, ip: str, found: Found) -> Allocation:
    return Allocation(
        id=allocation_id,
        node_id=_known_uuid(found.node_id),
        ip=ip,
        alias=found.port_alias,
        port=found.port_port,
        server_id=server_id,
        is_primary=True,
        notes=found.port_notes,
        created_at=_known_time(found.port_created_at),
    )


def permissions_of(actor: Actor, rights: Grants) -> tuple[str, ...]:
    """The server permissions an actor has, by name."""
    return _permitted(actor.grants, actor.scopes, rights)


@lru_cache(maxsize=1024)
def _permitted(grants: Grants, scopes: Grants | None, rights: Grants) -> tuple[str, ...]:
    actor = Actor(kind="account", grants=grants, scopes=scopes)
    return tuple(key for key in SERVER_KEYS if actor.may(key, within=rights))


def allocation(row: AllocationRow, *, primary_id: UUID | None) -> Allocation:
    """An allocation row as an `Allocation`."""
    return Allocation(
        id=row.id,
        node_id=row.node_id,
        ip=row.ip,
        alias=row.alias,
        port=row.port,
        server_id=row.server_id,
        is_primary=row.id == primary_id,
        notes=row.notes,
        created_at=row.created_at,
    )
