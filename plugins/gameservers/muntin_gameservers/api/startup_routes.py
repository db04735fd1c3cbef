"""`/api/v1/servers/{id}/startup`."""

from __future__ import annotations

from functools import partial

from muntin.access import Actor
from muntin.api.conditions import refuse_if_changed
from muntin.call import Call
from muntin.routing import Routes
from muntin_gameservers.errors import ServerLocked, ServerSuspended, VariableNotEditable
from muntin_gameservers.servers import startup
from muntin_gameservers.servers.listing import server_id_of
from muntin_gameservers.servers.startup import Startup, StartupIn

routes = Routes(dialect="native", prefix="/api/v1", tags=("startup",))
PATH = "/servers/<string:server_id>/startup"


@routes.get(PATH, returns=Startup, service=startup.load_startup)
async def load_startup(actor: Actor, server_id: str) -> Startup:
    """The start command and variables."""
    return await startup.load_startup(actor, await server_id_of(server_id))


@routes.put(
    PATH,
    body=StartupIn,
    returns=Startup,
    service=startup.update_startup,
    errors=(VariableNotEditable, ServerLocked, ServerSuspended),
)
async def update_startup(actor: Actor, server_id: str, changes: StartupIn, call: Call) -> Startup:
    """Set variables or the image."""
    identifier = await server_id_of(server_id)
    await refuse_if_changed(call, partial(startup.load_startup, actor, identifier))
    return await startup.update_startup(actor, identifier, changes)
