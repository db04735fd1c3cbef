"""`/api/v1/servers` and `/api/v1/admin/servers`."""

from __future__ import annotations

from uuid import UUID

from muntin.access import Actor
from muntin.audit import Activity
from muntin.call import Call
from muntin.errors import Conflict, NodeUnreachable, NotAuthenticated, NotFound
from muntin.routing import Routes
from muntin.schemas import Page
from muntin_gameservers.console import tickets
from muntin_gameservers.console.viewing import watch_console
from muntin_gameservers.errors import NoAllocationAvailable, ServerLocked, ServerOffline, ServerSuspended
from muntin_gameservers.schemas import (
    ActivityQuery,
    AdminServerQuery,
    CommandIn,
    CommandSent,
    ConsoleLines,
    DeletionQuery,
    LogQuery,
    PowerAccepted,
    PowerIn,
    ReinstallIn,
    Server,
    ServerChanges,
    ServerIn,
    ServerQuery,
    ServerResources,
    ServerRights,
    SettingsIn,
    SuspensionIn,
    Ticket,
    TransferIn,
    TransferStarted,
)
from muntin_gameservers.servers import changes, creation, listing, power, removal
from muntin_gameservers.servers.listing import server_id_of
from muntin_gameservers.servers.transfers import ordering as transfers

routes = Routes(dialect="native", prefix="/api/v1", tags=("servers",))
ONE = "/servers/<string:server_id>"
ANY = "/admin/servers/<uuid:server_id>"
BUSY = (ServerLocked, ServerSuspended, NodeUnreachable)


@routes.get("/servers", query=ServerQuery, returns=Page[Server], service=listing.list_servers)
async def list_servers(actor: Actor, query: ServerQuery) -> Page[Server]:
    """List servers the caller owns or is a sub-user of."""
    return await listing.list_servers(actor, query)


@routes.get(ONE, returns=Server, service=listing.load_server)
async def load_server(actor: Actor, server_id: str) -> Server:
    """One server, by its id or its short id."""
    return await listing.load_server(actor, await server_id_of(server_id))


@routes.get(f"{ONE}/resources", returns=ServerResources, service=power.load_resources, errors=(NodeUnreachable,))
async def load_resources(actor: Actor, server_id: str) -> ServerResources:
    """What the server uses right now."""
    return await power.load_resources(actor, await server_id_of(server_id))


@routes.post(f"{ONE}/power", body=PowerIn, returns=PowerAccepted, service=power.set_power, errors=BUSY)
async def set_power(actor: Actor, server_id: str, wanted: PowerIn) -> PowerAccepted:
    """Start, stop, restart or kill the server."""
    return await power.set_power(actor, await server_id_of(server_id), action=wanted.action)


@routes.post(
    f"{ONE}/command", body=CommandIn, returns=CommandSent, service=power.send_command, errors=(*BUSY, ServerOffline)
)
async def send_command(actor: Actor, server_id: str, line: CommandIn) -> CommandSent:
    """Write one line to the console."""
    return await power.send_command(actor, await server_id_of(server_id), command=line.command)


@routes.get(f"{ONE}/logs", query=LogQuery, returns=ConsoleLines, service=power.load_logs)
async def load_logs(actor: Actor, server_id: str, query: LogQuery) -> ConsoleLines:
    """The end of the console."""
    return await power.load_logs(actor, await server_id_of(server_id), lines=query.lines)


@routes.get(f"{ONE}/permissions", returns=ServerRights, service=listing.load_rights)
async def load_rights(actor: Actor, server_id: str) -> ServerRights:
    """What the caller may do with the server."""
    return await listing.load_rights(actor, await server_id_of(server_id))


@routes.get(f"{ONE}/activity", query=ActivityQuery, returns=Page[Activity], service=listing.list_activity)
async def list_activity(actor: Actor, server_id: str, query: ActivityQuery) -> Page[Activity]:
    """What was done with the server."""
    return await listing.list_activity(actor, await server_id_of(server_id), query)


@routes.put(f"{ONE}/settings", body=SettingsIn, returns=Server, service=changes.rename_server, errors=(ServerLocked,))
async def rename_server(actor: Actor, server_id: str, wanted: SettingsIn) -> Server:
    """Change name and description."""
    return await changes.rename_server(actor, await server_id_of(server_id), wanted)


@routes.post(
    f"{ONE}/reinstall", body=ReinstallIn, returns=Server, service=changes.reinstall_own_server, errors=(ServerLocked,)
)
async def reinstall_own_server(actor: Actor, server_id: str, how: ReinstallIn) -> Server:
    """Run the install script again."""
    return await changes.reinstall_own_server(actor, await server_id_of(server_id), wipe=how.wipe)


@routes.post(f"{ONE}/ws-ticket", returns=Ticket, service=tickets.issue_ticket)
async def issue_ticket(actor: Actor, server_id: str) -> Ticket:
    """A one-time permission to open the websocket, for browsers."""
    return await tickets.issue_ticket(actor, await server_id_of(server_id))


@routes.websocket(f"{ONE}/ws", service=watch_console, errors=(ServerSuspended,))
async def console(actor: Actor, server_id: str, call: Call) -> None:
    """The live console; authenticated by header or ticket."""
    ticket = call.request.args.get("ticket")
    try:
        identifier = await server_id_of(server_id)
    except NotFound:
        if actor.kind == "anonymous":  # strangers are told the same, whether there is such a server or not
            raise NotAuthenticated from None
        raise
    if ticket is not None:
        call.actor = actor = await tickets.redeem_ticket(actor, ticket=ticket, server_id=identifier)
    await watch_console(actor, identifier, call=call)


@routes.get("/admin/servers", query=AdminServerQuery, returns=Page[Server], service=listing.list_all_servers)
async def list_all_servers(actor: Actor, query: AdminServerQuery) -> Page[Server]:
    """List every server."""
    return await listing.list_all_servers(actor, query)


@routes.post(
    "/admin/servers",
    body=ServerIn,
    returns=Server,
    status=201,
    idempotent=True,
    service=creation.create_server,
    errors=(Conflict, NoAllocationAvailable, NodeUnreachable),
)
async def create_server(actor: Actor, wanted: ServerIn) -> Server:
    """Create a server; its node installs it next."""
    return await creation.create_server(actor, wanted)


@routes.get(ANY, returns=Server, service=listing.load_any_server)
async def load_any_server(actor: Actor, server_id: UUID) -> Server:
    """One server."""
    return await listing.load_any_server(actor, server_id)


@routes.put(ANY, body=ServerChanges, returns=Server, service=changes.update_server, errors=(Conflict, ServerLocked))
async def update_server(actor: Actor, server_id: UUID, wanted: ServerChanges) -> Server:
    """Change a server; limits reach the node at once."""
    return await changes.update_server(actor, server_id, wanted)


@routes.delete(ANY, query=DeletionQuery, service=removal.delete_server, errors=(ServerLocked, NodeUnreachable))
async def delete_server(actor: Actor, server_id: UUID, query: DeletionQuery) -> None:
    """Delete a server and its files."""
    await removal.delete_server(actor, server_id, force=query.force)


@routes.post(
    f"{ANY}/suspend", body=SuspensionIn, returns=Server, service=changes.suspend_server, errors=(ServerLocked,)
)
async def suspend_server(actor: Actor, server_id: UUID, why: SuspensionIn) -> Server:
    """Stop a server and keep it from being used."""
    return await changes.suspend_server(actor, server_id, reason=why.reason)


@routes.post(f"{ANY}/unsuspend", returns=Server, service=changes.unsuspend_server, errors=(ServerLocked,))
async def unsuspend_server(actor: Actor, server_id: UUID) -> Server:
    """Let a server be used again."""
    return await changes.unsuspend_server(actor, server_id)


@routes.post(
    f"{ANY}/reinstall", body=ReinstallIn, returns=Server, service=changes.reinstall_server, errors=(ServerLocked,)
)
async def reinstall_server(actor: Actor, server_id: UUID, how: ReinstallIn) -> Server:
    """Run the install script again."""
    return await changes.reinstall_server(actor, server_id, wipe=how.wipe)


@routes.post(
    f"{ANY}/transfer",
    body=TransferIn,
    returns=TransferStarted,
    service=transfers.start_transfer,
    errors=(ServerLocked, Conflict, NodeUnreachable),
)
async def start_transfer(actor: Actor, server_id: UUID, wanted: TransferIn) -> TransferStarted:
    """Move a server with its files to another node; it is stopped meanwhile, and started again if it ran."""
    return await transfers.start_transfer(actor, server_id, wanted)
