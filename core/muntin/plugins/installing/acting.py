"""In whose name a change is made that was ordered on a page and runs in a process of its own."""

from __future__ import annotations

from uuid import UUID

from muntin.access import Actor
from muntin.accounts.lookup import actor_of_account
from muntin.accounts.models import AccountRow
from muntin.errors import NotFound


async def actor_of(account_id: UUID) -> Actor:
    """The account as it is now: its role may have changed since.

    Raises:
        NotFound: It is gone or closed.
    """
    account = await AccountRow.get_or_none(id=account_id, status="active").select_related("role")
    if account is None:
        raise NotFound
    return actor_of_account(account, "")
