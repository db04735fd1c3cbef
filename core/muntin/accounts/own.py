"""The account of the one who acts, and proof that it is still them."""

from __future__ import annotations

from muntin.access import Actor
from muntin.accounts import lockout, passwords
from muntin.accounts.errors import WrongPassword
from muntin.accounts.models import AccountRow
from muntin.errors import NotAuthenticated


async def own_account(actor: Actor) -> AccountRow:
    """The actor's account with its role.

    Raises:
        NotAuthenticated: It is gone, or the actor has none (the system, a node).
    """
    account = await AccountRow.get_or_none(id=actor.account_id).select_related("role") if actor.account_id else None
    if account is None:
        raise NotAuthenticated
    return account


async def locked_account(actor: Actor) -> AccountRow:
    """The actor's account, held until the transaction ends, so that what is counted of it stays true."""
    account = await AccountRow.filter(id=actor.account_id).select_for_update().first()
    if account is None:
        raise NotAuthenticated
    return account


async def require_password(actor: Actor, account: AccountRow, password: str, *, field: str) -> None:
    """Ask for the current password again before something important.

    Raises:
        WrongPassword: Names the field.
        AccountLocked: It was wrong too often.
    """
    attempt = await lockout.begin_attempt(str(account.id), actor.address)
    if not await passwords.is_password(password, account.password_hash):
        raise WrongPassword(field)
    await lockout.succeeded(attempt)
