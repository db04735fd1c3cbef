"""`/api/v1/admin/users`."""

from __future__ import annotations

from uuid import UUID

from muntin.access import Actor
from muntin.accounts import administration as service
from muntin.accounts import removal
from muntin.accounts.administration_schemas import User, UserChange, UserInput, UserQuery
from muntin.accounts.errors import AccountExists
from muntin.accounts.rank import LastAdministrator
from muntin.accounts.removal import CannotDeleteSelf, UserHasServers
from muntin.api.conditions import refuse_if_changed
from muntin.call import Call
from muntin.routing import Routes
from muntin.schemas import Page

routes = Routes(dialect="native", prefix="/api/v1/admin/users", tags=("users",))


@routes.get("", query=UserQuery, returns=Page[User], service=service.list_users)
async def list_users(actor: Actor, query: UserQuery) -> Page[User]:
    """All users."""
    return await service.list_users(actor, query)


@routes.post(
    "", body=UserInput, returns=User, status=201, idempotent=True, service=service.create_user, errors=(AccountExists,)
)
async def create_user(actor: Actor, user: UserInput) -> User:
    """Create a user; without a password they are invited by mail."""
    return await service.create_user(actor, user)


@routes.get("/<uuid:account_id>", returns=User, service=service.load_user)
async def load_user(actor: Actor, account_id: UUID) -> User:
    """One user."""
    return await service.load_user(actor, account_id)


@routes.put(
    "/<uuid:account_id>",
    body=UserChange,
    returns=User,
    service=service.update_user,
    errors=(AccountExists, LastAdministrator),
)
async def update_user(actor: Actor, call: Call, account_id: UUID, change: UserChange) -> User:
    """Update a user; the status suspends and reopens the account."""
    await refuse_if_changed(call, lambda: service.load_user(actor, account_id))
    return await service.update_user(actor, account_id, change)


@routes.delete(
    "/<uuid:account_id>",
    service=removal.delete_user,
    errors=(CannotDeleteSelf, UserHasServers, LastAdministrator),
)
async def delete_user(actor: Actor, account_id: UUID) -> None:
    """Delete a user."""
    await removal.delete_user(actor, account_id)


@routes.post("/<uuid:account_id>/two-factor/disable", returns=User, service=service.disable_two_factor)
async def disable_two_factor_of_user(actor: Actor, account_id: UUID) -> User:
    """Take the second factor from a user who lost it."""
    return await service.disable_two_factor(actor, account_id)
