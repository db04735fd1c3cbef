"""Links from mails: a confirmed address, a forgotten password, an invitation."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from muntin import audit
from muntin.access import Actor, guarded
from muntin.accounts import passwords, tokens
from muntin.accounts.errors import TokenInvalid
from muntin.accounts.events import UserUpdated
from muntin.accounts.models import AccountRow, OneTimeTokenRow
from muntin.accounts.notices import send_link
from muntin.accounts.profile import save_unique, shortest_password, store_password
from muntin.accounts.schemas import Changed, Sent, Verified
from muntin.accounts.sessions import end_sessions
from muntin.accounts.signing_in import as_actor
from muntin.database import Transaction, transaction

VERIFY_WITHIN = timedelta(hours=24)
RESET_WITHIN = timedelta(hours=1)
INVITED_FOR = timedelta(days=7)
ANSWERS_AFTER_S = 0.25
"""Longer than sending takes, so that the time does not tell whether there is an account."""


@asynccontextmanager
async def at_least(seconds: float) -> AsyncIterator[None]:
    """Leave the block no sooner than that after it was entered."""
    ends_at = time.monotonic() + seconds
    yield
    await asyncio.sleep(max(0.0, ends_at - time.monotonic()))


@guarded(None)
async def request_password_reset(actor: Actor, *, email: str) -> Sent:
    """Send a link to set a new password; the answer is the same whether or not the account exists."""
    async with at_least(ANSWERS_AFTER_S):
        account = await AccountRow.get_or_none(email=email.lower(), status__in=("active", "pending"))
        if account is not None:
            await _send_reset(actor, account)
    return Sent()


async def _send_reset(actor: Actor, account: AccountRow) -> None:
    async with transaction() as events:
        token = await tokens.issue("password_reset", account.id, lifetime=RESET_WITHIN)
        await send_link(events, "account.password_reset", account, "/reset-password", token=token, email=account.email)
        await audit.record(events, actor, "user.password_reset_requested", ("user", account.id))


@guarded(None)
async def reset_password(actor: Actor, *, token: str, email: str, password: str) -> Changed:
    """Set a password with the token of a reset link or an invitation; every session of the account ends.

    Whoever has the link reads the mails of the address, so it counts as confirmed too.

    Raises:
        TokenInvalid: Used, expired, or not for this address.
        InvalidInput: The password is too short; the token stays usable.
    """
    passwords.require_length(password, shortest_password())
    found = await tokens.find("password_reset", token) or await tokens.find("invitation", token)
    account = await _account_of(found)
    if found is None or account is None or account.email != email.lower():
        raise TokenInvalid
    hashed = await passwords.hash_password(password)
    async with transaction() as events:
        if not await tokens.use_up(found):
            raise TokenInvalid
        await store_password(events, as_actor(account, actor), account, hashed)
        await _confirm(account)
        await end_sessions(events, account.id)
    return Changed()


@guarded(None)
async def verify_email(actor: Actor, *, token: str) -> Verified:
    """Confirm an address with the token that was sent to it.

    Raises:
        TokenInvalid: Used or expired.
        AccountExists: Another account took the new address meanwhile.
    """
    async with transaction() as events:
        found = await tokens.find("verification", token) or await tokens.find("email_change", token)
        account = await _account_of(found)
        if found is None or account is None or not await tokens.use_up(found):
            raise TokenInvalid
        if found.purpose == "email_change":
            account.email = found.data["email"]
            await save_unique(account, ["email", "updated_at"])
        await _confirm(account)
        events.add(UserUpdated(user_id=account.id, changed=("email",), by=account.id))
        await audit.record(events, as_actor(account, actor), "user.email_verified", ("user", account.id))
    return Verified()


@guarded(None)
async def resend_verification(actor: Actor, *, email: str) -> Sent:
    """Send the link again; the answer is the same whether or not there is anything to confirm."""
    async with at_least(ANSWERS_AFTER_S):
        account = await AccountRow.get_or_none(
            email=email.lower(), email_verified_at=None, status__in=("active", "pending")
        )
        if account is not None:
            async with transaction() as events:
                await send_verification(events, account)
    return Sent()


async def send_verification(events: Transaction, account: AccountRow) -> None:
    """Send the link that confirms the account's address."""
    token = await tokens.issue("verification", account.id, lifetime=VERIFY_WITHIN)
    await send_link(events, "account.verification", account, "/verify-email", token=token)


async def send_invitation(events: Transaction, account: AccountRow) -> None:
    """Send somebody whose account was made for them the link to set their password."""
    token = await tokens.issue("invitation", account.id, lifetime=INVITED_FOR)
    await send_link(events, "account.invitation", account, "/invitation", token=token, email=account.email)


async def _account_of(token: OneTimeTokenRow | None) -> AccountRow | None:
    if token is None:
        return None
    return await AccountRow.get_or_none(id=token.account_id, status__in=("active", "pending"))


async def _confirm(account: AccountRow) -> None:
    """The address is confirmed; an account that waited for it is open now."""
    await AccountRow.filter(id=account.id).update(email_verified_at=datetime.now(UTC))
    await AccountRow.filter(id=account.id, status="pending").update(status="active")
