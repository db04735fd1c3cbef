"""`/api/v1/admin/roles`."""

from __future__ import annotations

from muntin.access import Actor
from muntin.api.conditions import refuse_if_changed
from muntin.call import Call
from muntin.roles import service
from muntin.roles.errors import RoleExists, RoleInUse, SystemRole
from muntin.roles.schemas import Role, RoleChange, RoleInput
from muntin.routing import Routes
from muntin.schemas import Page, PageQuery

routes = Routes(dialect="native", prefix="/api/v1/admin/roles", tags=("roles",))


@routes.get("", query=PageQuery, returns=Page[Role], service=service.list_roles)
async def list_roles(actor: Actor, query: PageQuery) -> Page[Role]:
    """List roles."""
    return await service.list_roles(actor, query)


@routes.post(
    "", body=RoleInput, returns=Role, status=201, idempotent=True, service=service.create_role, errors=(RoleExists,)
)
async def create_role(actor: Actor, role: RoleInput) -> Role:
    """Create a role."""
    return await service.create_role(actor, role)


@routes.get("/<int:role_id>", returns=Role, service=service.load_role)
async def load_role(actor: Actor, role_id: int) -> Role:
    """One role."""
    return await service.load_role(actor, role_id)


@routes.put(
    "/<int:role_id>", body=RoleChange, returns=Role, service=service.update_role, errors=(SystemRole, RoleExists)
)
async def update_role(actor: Actor, call: Call, role_id: int, change: RoleChange) -> Role:
    """Update a role."""
    await refuse_if_changed(call, lambda: service.load_role(actor, role_id))
    return await service.update_role(actor, role_id, change)


@routes.delete("/<int:role_id>", service=service.delete_role, errors=(SystemRole, RoleInUse))
async def delete_role(actor: Actor, role_id: int) -> None:
    """Delete a role that nobody has."""
    await service.delete_role(actor, role_id)
