"""`/api/v1/admin/api-keys`."""

from __future__ import annotations

from uuid import UUID

from muntin.access import Actor
from muntin.accounts import administration_keys as service
from muntin.accounts.administration_schemas import AdminApiKey, AdminApiKeyQuery
from muntin.routing import Routes
from muntin.schemas import Page

routes = Routes(dialect="native", prefix="/api/v1/admin/api-keys", tags=("api-keys",))


@routes.get("", query=AdminApiKeyQuery, returns=Page[AdminApiKey], service=service.list_all_api_keys)
async def list_all_api_keys(actor: Actor, query: AdminApiKeyQuery) -> Page[AdminApiKey]:
    """All API keys."""
    return await service.list_all_api_keys(actor, query)


@routes.delete("/<uuid:key_id>", service=service.delete_any_api_key)
async def delete_any_api_key(actor: Actor, key_id: UUID) -> None:
    """Delete any key."""
    await service.delete_any_api_key(actor, key_id)
