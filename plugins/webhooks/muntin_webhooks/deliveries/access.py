"""Which accounts may learn of what: asked when an event is recorded, and again before it is sent later."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from muntin.accounts.lookup import actor_of_account
from muntin.accounts.models import AccountRow
from muntin.events import shared_with
from muntin_webhooks.models import MessageRow
from muntin_webhooks.permissions import READ


async def may_hear(
    account_id: UUID | None, concerned: Collection[UUID], event_type: str, version: int, resource_id: str
) -> bool:
    """Whether a webhook of the account may be sent the event now; those of the panel (`None`) are sent everything.

    Args:
        concerned: The accounts that the event itself names.
    """
    if account_id is None or account_id in concerned:
        return True
    return account_id in await shared_with(event_type, version, resource_id)


async def message_may_be_heard(account_id: UUID | None, message: MessageRow) -> bool:
    """The same for an event as it is kept."""
    concerned = [UUID(one) for one in message.accounts]
    return await may_hear(account_id, concerned, message.type, message.version, message.resource_id)


async def holding_webhooks(ids: Iterable[UUID]) -> set[UUID]:
    """Those of the accounts that are in use and may (still) have webhooks."""
    wanted = set(ids)
    rows = await AccountRow.filter(id__in=wanted, status="active").select_related("role") if wanted else []
    return {row.id for row in rows if actor_of_account(row, "").may(READ)}
