"""`/api/v1/permissions`."""

from __future__ import annotations

from muntin.access import Actor
from muntin.roles import catalogue
from muntin.routing import Routes
from muntin.schemas import PermissionInfo

routes = Routes(dialect="native", prefix="/api/v1/permissions", tags=("permissions",))


@routes.get("", returns=dict[str, list[PermissionInfo]], service=catalogue.list_permissions)
async def list_permissions(actor: Actor) -> dict[str, list[PermissionInfo]]:
    """Every permission there is, by what it is granted for."""
    return await catalogue.list_permissions(actor)
