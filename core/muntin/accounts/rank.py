"""Which accounts an administrator may touch, and which must never be lost."""

from __future__ import annotations

from uuid import UUID

from muntin.access import Actor
from muntin.accounts.models import AccountRow
from muntin.errors import Conflict, NotFound
from muntin.roles.models import ADMIN_ID, RoleRow
from muntin.roles.rank import require_covering
from muntin.translation import _


class LastAdministrator(Conflict):
    """Without this account nobody could administer the panel."""

    code = "last_administrator"
    default_message = "This is the only account left that administers the panel."


async def editable_account(actor: Actor, account_id: UUID) -> AccountRow:
    """The account, held until the transaction ends, with its role.

    Raises:
        NotFound: There is none, or it was deleted.
        Forbidden: Its role may do more than the actor.
    """
    account = await AccountRow.select_for_update().get_or_none(id=account_id)
    if account is None or account.status == "deleted":
        raise NotFound
    await account.fetch_related("role")
    require_covering(actor, account.role.grants, _("This account may do more than you."))
    return account


async def refuse_last_administrator(account: AccountRow) -> None:
    """Refuse to lose the last account that can do everything; call it in the transaction that would.

    Raises:
        LastAdministrator: There is no other.
    """
    if account.role_id != ADMIN_ID or account.status != "active":
        return
    await RoleRow.select_for_update().get(id=ADMIN_ID)  # of two who resign at once, the second waits here
    if not await AccountRow.filter(role_id=ADMIN_ID, status="active").exclude(id=account.id).exists():
        raise LastAdministrator
