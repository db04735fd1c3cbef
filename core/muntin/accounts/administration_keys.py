"""Everybody's API keys, for administrators."""

from __future__ import annotations

from uuid import UUID

from tortoise.expressions import Q

from muntin import audit
from muntin.access import Actor, guarded
from muntin.accounts import credentials
from muntin.accounts.administration_schemas import AdminApiKey, AdminApiKeyQuery
from muntin.accounts.api_keys import shown_key
from muntin.accounts.models import ApiKeyRow
from muntin.accounts.schemas import ApiKey
from muntin.database import transaction
from muntin.errors import NotFound
from muntin.roles.rank import require_covering
from muntin.schemas import Page
from muntin.translation import _

SORTABLE = ("created_at", "description", "last_used_at", "expires_at", "prefix")


@guarded("admin.api-keys.list")
async def list_all_api_keys(actor: Actor, query: AdminApiKeyQuery) -> Page[AdminApiKey]:
    """The keys of all accounts, newest first; `search` looks into descriptions, prefixes and owners' names."""
    rows = ApiKeyRow.all()
    if query.user_id is not None:
        rows = rows.filter(account_id=query.user_id)
    if query.is_active is not None:
        rows = rows.filter(is_active=query.is_active)
    if query.search:
        columns = ("description", "prefix", "account__username", "account__email")
        rows = rows.filter(Q(*(Q(**{f"{one}__icontains": query.search}) for one in columns), join_type="OR"))
    total = await rows.count()
    order = query.order(SORTABLE, default="-created_at")
    found = await rows.order_by(*order).offset(query.offset).limit(query.per_page)
    return Page.of([_shown(row) for row in found], total, query)


@guarded("admin.api-keys.delete")
async def delete_any_api_key(actor: Actor, key_id: UUID) -> None:
    """Delete somebody's key; it stops working at once.

    Raises:
        NotFound: There is no such key.
        Forbidden: Its owner may do more than the actor.
    """
    async with transaction() as events:
        key = await ApiKeyRow.get_or_none(id=key_id).select_related("account__role")
        if key is None:
            raise NotFound
        require_covering(actor, key.account.role.grants, _("The owner of this key may do more than you."))
        await key.delete()
        await credentials.revoke(events, keys=[key_id])
        told = {"prefix": key.prefix, "description": key.description, "user_id": key.account_id}
        await audit.record(events, actor, "api_key.deleted", ("api_key", key_id), told)


def _shown(row: ApiKeyRow) -> AdminApiKey:
    shown = shown_key(row)
    return AdminApiKey(**{name: getattr(shown, name) for name in ApiKey.__dataclass_fields__}, user_id=row.account_id)
