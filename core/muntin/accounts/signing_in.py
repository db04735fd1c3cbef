"""Signing in: the password, the second factor if there is one, and then a session."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tortoise.expressions import F, Q

from muntin import audit
from muntin.access import Actor, guarded
from muntin.accounts import lockout, passwords, second_factor, tokens
from muntin.accounts.errors import (
    AccountSuspended,
    ChallengeExpired,
    EmailNotVerified,
    InvalidCode,
    InvalidCredentials,
)
from muntin.accounts.events import UserSignedIn
from muntin.accounts.models import AccountRow, OneTimeTokenRow
from muntin.accounts.schemas import TwoFactorChallenge
from muntin.accounts.sessions import Device, OpenedSession, open_session
from muntin.database import compare_and_set, transaction

CHALLENGE_LIFETIME = timedelta(minutes=5)
CHALLENGE_TRIES = 5


@guarded(None)
async def sign_in(actor: Actor, *, login: str, password: str, device: Device) -> OpenedSession | TwoFactorChallenge:
    """Sign in with a password; the answer is a session, or a challenge where a second factor is due.

    Unknown accounts and wrong passwords get the same answer, after the same time.

    Args:
        login: E-mail address or username.

    Raises:
        InvalidCredentials: See above.
        AccountLocked: Too many failures from this address.
        AccountSuspended, EmailNotVerified: The password was right, but the account may not be used.
        TooManyRequests: Too many passwords are being checked at the moment.
    """
    account = await find_account(login)
    attempt = await lockout.begin_attempt(str(account.id if account else login.lower()), actor.address)
    right = await passwords.is_password(password, account.password_hash if account else None)
    if account is None or not right:
        await _note_failure(actor, account)  # for unknown accounts too, so that it takes equally long
        raise InvalidCredentials
    refuse_closed(account)
    if account.has_two_factor:
        await lockout.not_counted(attempt)
        return await challenge(account, device)
    await lockout.succeeded(attempt)
    await _refresh_hash(account, password)
    return await enter(actor, account, device)


@guarded(None)
async def answer_challenge(actor: Actor, *, challenge_token: str, code: str, device: Device) -> OpenedSession:
    """The second step: a time-based code or a recovery code.

    Args:
        device: `kind` and `remember` count as they were at the first step.

    Raises:
        InvalidCode: Not right, or used before.
        ChallengeExpired: Too late, tried too often, or the challenge is none.
        AccountLocked: Too many codes were wrong, in this or other challenges.
    """
    asked = await tokens.find("two_factor", challenge_token)
    if asked is None or asked.account_id is None:
        raise ChallengeExpired
    attempt = await lockout.begin_code_attempt(asked.account_id)
    await _count_try(asked)
    account = await AccountRow.get(id=asked.account_id).select_related("role")
    refuse_closed(account)
    if not await second_factor.accept(account, code):
        await _note_failure(actor, account)
        raise InvalidCode
    if not await tokens.use_up(asked):
        raise ChallengeExpired
    await lockout.succeeded(attempt)
    remembered = replace(device, kind=asked.data["kind"], remember=asked.data["remember"])
    return await enter(actor, account, remembered)


async def find_account(login: str) -> AccountRow | None:
    """The account with this e-mail address or username, deleted ones aside."""
    name = login.strip().lower()
    return (
        await AccountRow.filter(Q(email=name) | Q(username_key=name))
        .exclude(status="deleted")
        .order_by("id")
        .first()
        .select_related("role")
    )


def refuse_closed(account: AccountRow) -> None:
    """Refuse an account that may not be used.

    Raises:
        AccountSuspended, EmailNotVerified, InvalidCredentials: See there.
    """
    if account.status == "suspended":
        raise AccountSuspended
    if account.status == "pending":
        raise EmailNotVerified
    if account.status != "active":
        raise InvalidCredentials


async def enter(actor: Actor, account: AccountRow, device: Device) -> OpenedSession:
    """Open a session for somebody who has shown who they are."""
    async with transaction() as events:
        opened = await open_session(account, actor.address, device)
        await AccountRow.filter(id=account.id).update(last_login_at=datetime.now(UTC))
        events.add(UserSignedIn(user_id=account.id, session_id=opened.id, by=account.id))
        await audit.record(
            events,
            as_actor(account, actor),
            "user.signed_in",
            ("user", account.id),
            {"session": opened.id, "kind": device.kind, "user_agent": device.user_agent},
        )
    return opened


def as_actor(account: AccountRow, actor: Actor) -> Actor:
    """The stranger who asks, now that they are known, for the audit log."""
    return replace(actor, kind="account", account_id=account.id, username=account.username)


async def challenge(account: AccountRow, device: Device) -> TwoFactorChallenge:
    """Ask somebody whose password was right for the second factor."""
    token = await tokens.issue(
        "two_factor",
        account.id,
        lifetime=CHALLENGE_LIFETIME,
        data={"kind": device.kind, "remember": device.remember},
        replacing=False,
    )
    return TwoFactorChallenge(challenge_token=token, expires_in=int(CHALLENGE_LIFETIME.total_seconds()))


async def _count_try(asked: OneTimeTokenRow) -> None:
    """Count before looking, so that parallel tries cannot slip past the count."""
    mine = OneTimeTokenRow.filter(id=asked.id, used_at=None, tries__lt=CHALLENGE_TRIES)
    if not await compare_and_set(mine, tries=F("tries") + 1):
        raise ChallengeExpired


async def _note_failure(actor: Actor, account: AccountRow | None) -> None:
    """What was typed is not noted: people type passwords into the wrong field."""
    async with transaction() as events:
        await audit.record(events, actor, "user.sign_in_failed", ("user", account.id if account else "unknown"))


async def _refresh_hash(account: AccountRow, password: str) -> None:
    """Hash anew when the parameters have changed since; only now is the password known."""
    if account.password_hash is not None and passwords.is_outdated(account.password_hash):
        changed = await passwords.hash_password(password)
        await compare_and_set(
            AccountRow.filter(id=account.id, password_hash=account.password_hash), password_hash=changed
        )
