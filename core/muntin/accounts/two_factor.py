"""Two-factor authentication: set up, confirmed, renewed, switched off by the account's own person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from muntin import audit
from muntin.access import Actor, TwoFactorRequired, guarded
from muntin.accounts import credentials, lockout, second_factor
from muntin.accounts.errors import TwoFactorAlreadyEnabled, WrongCode
from muntin.accounts.events import UserUpdated
from muntin.accounts.lookup import two_factor_demanded
from muntin.accounts.models import AccountRow, RecoveryCodeRow
from muntin.accounts.notices import send_notice
from muntin.accounts.own import own_account, require_password
from muntin.accounts.schemas import BackupCodes, TwoFactorDisabled, TwoFactorEnabled, TwoFactorSetup, TwoFactorState
from muntin.database import Transaction, compare_and_set, transaction
from muntin.errors import Conflict
from muntin.translation import _

PENDING = timedelta(minutes=15)


@guarded("account.two-factor", before_enrolment=True)
async def load_two_factor(actor: Actor) -> TwoFactorState:
    """Whether a second factor is asked for at sign-in, and whether the panel demands one."""
    account = await own_account(actor)
    return TwoFactorState(
        enabled=account.has_two_factor,
        methods=("totp",) if account.has_two_factor else (),
        backup_codes_remaining=await RecoveryCodeRow.filter(account_id=account.id).count(),
        required=two_factor_demanded(account.role.grants),
    )


@guarded("account.two-factor", sessions_only=True, before_enrolment=True)
async def set_up_two_factor(actor: Actor, *, password: str) -> TwoFactorSetup:
    """Make a secret for the authenticator app; it counts once `enable_two_factor` has seen a code of it.

    Raises:
        WrongPassword: The current password is not right.
        TwoFactorAlreadyEnabled: Switch it off first.
    """
    account = await own_account(actor)
    await require_password(actor, account, password, field="password")
    secret = second_factor.new_secret()
    changed = await compare_and_set(
        AccountRow.filter(id=account.id, two_factor_secret=None),
        two_factor_pending=second_factor.lock_secret(account.id, secret),
        two_factor_pending_until=datetime.now(UTC) + PENDING,
    )
    if not changed:
        raise TwoFactorAlreadyEnabled
    url = second_factor.provisioning_url(account, secret)
    return TwoFactorSetup(secret=secret, otpauth_url=url, qr_svg=second_factor.qr_svg(url))


@guarded("account.two-factor", sessions_only=True, before_enrolment=True)
async def enable_two_factor(actor: Actor, *, code: str) -> TwoFactorEnabled:
    """Confirm the set-up with a code of the app; answers the recovery codes, once.

    Raises:
        WrongCode: Not right, or nothing is set up (any more).
        TwoFactorAlreadyEnabled: It was on before.
    """
    account = await own_account(actor)
    if account.has_two_factor:
        raise TwoFactorAlreadyEnabled
    pending = account.two_factor_pending
    until = account.two_factor_pending_until
    if pending is None or until is None or until <= datetime.now(UTC):
        raise WrongCode(_("Begin again: this was not confirmed in time."))
    await _require_code(account, code, second_factor.unlock_secret(account.id, pending))
    async with transaction() as events:
        if not await compare_and_set(
            AccountRow.filter(id=account.id, two_factor_secret=None, two_factor_pending=pending),
            two_factor_secret=pending,
            two_factor_pending=None,
            two_factor_pending_until=None,
        ):
            raise Conflict
        codes = await second_factor.renew_recovery_codes(account.id)
        await _tell(events, actor, account, "user.two_factor_enabled", _("Two-factor authentication was switched on."))
    return TwoFactorEnabled(enabled=True, backup_codes=codes)


@guarded("account.two-factor", sessions_only=True)
async def disable_two_factor(actor: Actor, *, password: str, code: str) -> TwoFactorDisabled:
    """Switch the second factor off.

    Raises:
        WrongPassword, WrongCode: Both are asked for again.
        TwoFactorRequired: The panel demands a second factor of this account.
    """
    account = await own_account(actor)
    if two_factor_demanded(account.role.grants):
        raise TwoFactorRequired(_("The panel demands two-factor authentication of you."))
    await require_password(actor, account, password, field="password")
    await _require_code(account, code)
    async with transaction() as events:
        await second_factor.forget(account.id)
        await _tell(
            events, actor, account, "user.two_factor_disabled", _("Two-factor authentication was switched off.")
        )
    return TwoFactorDisabled()


@guarded("account.two-factor", sessions_only=True)
async def renew_backup_codes(actor: Actor, *, password: str) -> BackupCodes:
    """Fresh recovery codes in place of the old ones.

    Raises:
        WrongPassword: The current password is not right.
        Conflict: There is no second factor to recover.
    """
    account = await own_account(actor)
    await require_password(actor, account, password, field="password")
    if not account.has_two_factor:
        raise Conflict(_("Two-factor authentication is off."))
    async with transaction() as events:
        codes = await second_factor.renew_recovery_codes(account.id)
        await _tell(events, actor, account, "user.recovery_codes_renewed", _("New recovery codes were made."))
    return BackupCodes(backup_codes=codes)


async def _require_code(account: AccountRow, code: str, pending_secret: str | None = None) -> None:
    """Accept a code of the pending secret, or of the one that is on, once."""
    attempt = await lockout.begin_code_attempt(account.id)
    if pending_secret is not None:
        right = await second_factor.accept_totp(account.id, pending_secret, code)
    else:
        right = await second_factor.accept(account, code)
    if not right:
        raise WrongCode
    await lockout.succeeded(attempt)


async def _tell(events: Transaction, actor: Actor, account: AccountRow, event: str, text: str) -> None:
    """What every change of the second factor is followed by."""
    events.add(UserUpdated(user_id=account.id, changed=("two_factor",), by=actor.account_id))
    await credentials.revoke(events, accounts=[account.id])
    await audit.record(events, actor, event, ("user", account.id))
    await send_notice(events, account, _("Your sign-in was changed"), text)
