"""Password and second factor once more, before something that hands over the whole machine."""

from __future__ import annotations

from muntin.access import Actor, TwoFactorRequired
from muntin.accounts import lockout, second_factor
from muntin.accounts.errors import WrongCode
from muntin.accounts.own import own_account, require_password
from muntin.translation import _


async def require_fresh_proof(actor: Actor, *, password: str, code: str) -> None:
    """See that it is the account's own person who asks, now; a code is used up.

    Raises:
        TwoFactorRequired: The account has no second factor.
        WrongPassword, WrongCode, AccountLocked: What was given is not right, or was wrong too often.
    """
    account = await own_account(actor)
    if not account.has_two_factor:
        raise TwoFactorRequired(_("Set up two-factor authentication first; this needs a code of it."))
    await require_password(actor, account, password, field="password")
    attempt = await lockout.begin_code_attempt(account.id)
    if not await second_factor.accept(account, code):
        raise WrongCode
    await lockout.succeeded(attempt)
