"""Changing, suspending, reinstalling servers: stored first, then brought to the node by a job."""

from __future__ import annotations

from typing import Any

from tortoise.exceptions import IntegrityError

from muntin import audit
from muntin.access import Actor, guarded
from muntin.accounts.models import AccountRow
from muntin.database import Transaction, transaction
from muntin.errors import Conflict, InvalidInput, NotFound
from muntin.jobs import enqueue
from muntin.runtime import panel
from muntin.translation import _
from muntin_gameservers.errors import NoAllocationAvailable, ServerLocked
from muntin_gameservers.errors import ServerSuspended as IsSuspended
from muntin_gameservers.events import ServerInstallStarted, ServerSuspended, ServerUnsuspended, ServerUpdated
from muntin_gameservers.models import AllocationRow, EggRow, ServerRow
from muntin_gameservers.nests.stored import definition_of
from muntin_gameservers.schemas import Server, ServerChanges, SettingsIn
from muntin_gameservers.servers.placement import has_room, lock_node, take
from muntin_gameservers.servers.shown import shown_one
from muntin_gameservers.servers.states import refuse_locked, refuse_moving
from muntin_gameservers.servers.telling import tell
from muntin_gameservers.servers.variables import complete_environment

SYNC = "gameservers.sync"
REINSTALL = "gameservers.reinstall"
COLUMNS = {
    "user_id": "owner_id",
    "memory": "memory_mib",
    "cpu": "cpu_percent",
    "disk": "disk_mib",
    "swap": "swap_mib",
    "io": "io_weight",
}
NULLABLE = frozenset({"description", "external_id"})


@guarded("admin.servers.update", on=ServerRow)
async def update_server(actor: Actor, server: ServerRow, changes: ServerChanges) -> Server:
    """Change anything of a server but its node; limits reach the node at once.

    Raises:
        InvalidInput: A field names something that does not exist, or a variable breaks its rules.
        Conflict: An address or the external id is taken.
        NoAllocationAvailable: The node has no room for more memory or disk.
        ServerLocked: It is being moved to another node.
    """
    asked = {k: v for k, v in changes.model_dump(exclude_unset=True).items() if v is not None or k in NULLABLE}
    more = asked.pop("additional_allocation_ids", [])
    if "user_id" in asked and not await AccountRow.exists(id=asked["user_id"]):
        raise InvalidInput.of("user_id", _("There is no such account."))
    try:
        async with transaction() as events:
            current = await _locked(server)
            if "environment" in asked or "egg_id" in asked:
                asked["environment"] = await _environment(current, asked)
            await _apply(current, asked, more)
            events.add(
                ServerUpdated(
                    server_id=server.id,
                    name=server.name,
                    owner_id=server.owner_id,
                    changed=tuple(asked),
                    by=actor.account_id,
                )
            )
            await audit.record(events, actor, "server.updated", ("server", server.id), asked)
            await enqueue(events, SYNC, server_id=str(server.id))
            if "user_id" in asked:
                events.after_commit(lambda: access_changed(server))
    except IntegrityError as error:
        raise Conflict(_("Another server has this external id.")) from error
    return await shown_one(actor, await ServerRow.get(id=server.id))


async def _locked(server: ServerRow) -> ServerRow:
    """The server as it is now, for the caller's transaction alone: two changes must not undo each other."""
    current = await ServerRow.select_for_update().get_or_none(id=server.id)
    if current is None:
        raise NotFound
    refuse_moving(current)
    return current


async def _environment(server: ServerRow, asked: dict[str, Any]) -> dict[str, str]:
    """All variables of the egg it is to have: what is asked for, else what is set, else the egg's default."""
    row = await EggRow.get_or_none(id=asked.get("egg_id", server.egg_id))
    if row is None:
        raise InvalidInput.of("egg_id", _("There is no such egg."))
    egg = definition_of(row)
    known = {one.env_variable for one in egg.variables}
    kept = {name: value for name, value in server.environment.items() if name in known}
    return complete_environment(egg, kept | asked.get("environment", {}))


async def _apply(server: ServerRow, asked: dict[str, Any], more: list[Any]) -> None:
    """Write the changes inside the caller's transaction, after making sure that they fit."""
    if "memory" in asked or "disk" in asked:
        node = await lock_node(server.node_id)
        memory, disk = asked.get("memory", server.memory_mib), asked.get("disk", server.disk_mib)
        if not await has_room(node, memory, disk, besides=server.id):
            raise NoAllocationAvailable(_("The node {name} has not enough free memory or disk.", name=node.name))
    primary = asked.get("allocation_id")
    if primary and not await AllocationRow.exists(id=primary, server_id=server.id):
        await take([primary], server.node_id, server.id, "allocation_id")
    if more:
        own = await AllocationRow.filter(id__in=more, server_id=server.id).values_list("id", flat=True)
        await take([one for one in more if one not in set(own)], server.node_id, server.id, "additional_allocation_ids")
    values = {COLUMNS.get(name, name): value for name, value in asked.items()}
    if values:
        await ServerRow.filter(id=server.id).update(**values)


@guarded("settings.rename", on=ServerRow)
async def rename_server(actor: Actor, server: ServerRow, changes: SettingsIn) -> Server:
    """Change what people call the server.

    Raises:
        ServerLocked: It is being moved to another node.
    """
    refuse_moving(server)
    asked = {k: v for k, v in changes.model_dump(exclude_unset=True).items() if v is not None or k == "description"}
    async with transaction() as events:
        if asked:
            await ServerRow.filter(id=server.id).update(**asked)
        events.add(
            ServerUpdated(
                server_id=server.id,
                name=server.name,
                owner_id=server.owner_id,
                changed=tuple(asked),
                by=actor.account_id,
            )
        )
        await audit.record(events, actor, "server.renamed", ("server", server.id), asked)
        await enqueue(events, SYNC, server_id=str(server.id))
    return await shown_one(actor, await ServerRow.get(id=server.id))


@guarded("admin.servers.suspend", on=ServerRow)
async def suspend_server(actor: Actor, server: ServerRow, *, reason: str | None = None) -> Server:
    """Stop a server and keep it from being used; doing it twice changes nothing.

    Raises:
        ServerLocked: It is being moved to another node.
    """
    async with transaction() as events:
        await _locked(server)
        changed = await ServerRow.filter(id=server.id, is_suspended=False).update(
            is_suspended=True, suspension_reason=reason
        )
        if changed:
            events.add(
                ServerSuspended(
                    server_id=server.id, name=server.name, owner_id=server.owner_id, reason=reason, by=actor.account_id
                )
            )
            await audit.record(events, actor, "server.suspended", ("server", server.id), {"reason": reason})
            await enqueue(events, SYNC, server_id=str(server.id))
            events.after_commit(lambda: access_changed(server))
            events.after_commit(lambda: tell(server.id))
    return await shown_one(actor, await ServerRow.get(id=server.id))


@guarded("admin.servers.suspend", on=ServerRow)
async def unsuspend_server(actor: Actor, server: ServerRow) -> Server:
    """Let a server be used again; it is not started.

    Raises:
        ServerLocked: It is being moved to another node.
    """
    async with transaction() as events:
        await _locked(server)
        changed = await ServerRow.filter(id=server.id, is_suspended=True).update(
            is_suspended=False, suspension_reason=None
        )
        if changed:
            events.add(
                ServerUnsuspended(server_id=server.id, name=server.name, owner_id=server.owner_id, by=actor.account_id)
            )
            await audit.record(events, actor, "server.unsuspended", ("server", server.id), {})
            await enqueue(events, SYNC, server_id=str(server.id))
            events.after_commit(lambda: tell(server.id))
    return await shown_one(actor, await ServerRow.get(id=server.id))


@guarded("settings.reinstall", on=ServerRow)
async def reinstall_own_server(actor: Actor, server: ServerRow, *, wipe: bool = False) -> Server:
    """Run the install script again.

    Args:
        wipe: Remove all files first.

    Raises:
        ServerLocked: Something else is under way.
        ServerSuspended: The server is suspended.
    """
    if server.is_suspended:
        raise IsSuspended
    return await _reinstall(actor, server, wipe=wipe)


@guarded("admin.servers.update", on=ServerRow)
async def reinstall_server(actor: Actor, server: ServerRow, *, wipe: bool = False) -> Server:
    """The same, by an administrator; works on suspended servers too."""
    return await _reinstall(actor, server, wipe=wipe)


async def _reinstall(actor: Actor, server: ServerRow, *, wipe: bool) -> Server:
    refuse_locked(server)
    async with transaction() as events:
        changed = await ServerRow.filter(id=server.id, stage__in=("ready", "install_failed")).update(
            stage="installing", problem="", last_exit=None
        )
        if not changed:
            raise ServerLocked
        await _begin_reinstall(events, actor, server, wipe)
    return await shown_one(actor, await ServerRow.get(id=server.id))


async def _begin_reinstall(events: Transaction, actor: Actor, server: ServerRow, wipe: bool) -> None:
    events.add(
        ServerInstallStarted(server_id=server.id, name=server.name, owner_id=server.owner_id, by=actor.account_id)
    )
    await audit.record(events, actor, "server.reinstall", ("server", server.id), {"wipe": wipe})
    await enqueue(events, REINSTALL, server_id=str(server.id), wipe=wipe)
    events.after_commit(lambda: tell(server.id))


def access_changed(server: ServerRow) -> None:
    """Tell every process that who may use the server, or where it is, has changed: open consoles look again."""
    panel().bus.publish("gameservers.access", {"server_id": str(server.id)})
