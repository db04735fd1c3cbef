"""Time-based codes (RFC 6238) and recovery codes: making them, and accepting each once."""

from __future__ import annotations

import io
import secrets
import time
from uuid import UUID

import pyotp
import segno
from tortoise.exceptions import IntegrityError

from muntin.accounts.models import AccountRow, RecoveryCodeRow, UsedCodeRow
from muntin.database import transaction
from muntin.encryption import decrypt, encrypt
from muntin.runtime import panel
from muntin.settings.sections import GeneralSettings
from muntin.signing import digest, equal

STEP_S = 30
DRIFT_STEPS = 1
"""A code is good this many steps early or late, for clocks that are off."""
RECOVERY_CODES = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def new_secret() -> str:
    """A fresh secret of 160 bits, base32."""
    return pyotp.random_base32()


def provisioning_url(account: AccountRow, secret: str) -> str:
    """The `otpauth://` address for authenticator apps."""
    issuer = panel().settings.section(GeneralSettings).name
    return pyotp.TOTP(secret).provisioning_uri(name=account.email, issuer_name=issuer)


def qr_svg(text: str) -> str:
    """The text as a QR code, an `<svg>` element; black on white whatever the theme, since cameras expect that."""
    buffer = io.BytesIO()
    segno.make(text, error="m").save(
        buffer, kind="svg", xmldecl=False, svgns=True, nl=False, dark="#000", light="#fff", border=2, omitsize=True
    )
    return buffer.getvalue().decode()


def lock_secret(account_id: UUID, secret: str) -> str:
    """The secret as it is stored."""
    return encrypt(secret, _place(account_id))


def unlock_secret(account_id: UUID, stored: str) -> str:
    """The stored secret, base32."""
    return decrypt(stored, _place(account_id))


async def accept(account: AccountRow, code: str) -> bool:
    """Whether the code is the account's second factor; it is used up then, for parallel tries too."""
    if account.two_factor_secret is None:
        return False
    plain = _plain(code)
    if plain.isdigit() and len(plain) == 6:
        return await accept_totp(account.id, unlock_secret(account.id, account.two_factor_secret), plain)
    return bool(
        await RecoveryCodeRow.filter(account_id=account.id, code_hash=_recovery_hash(account.id, plain)).delete()
    )


async def accept_totp(account_id: UUID, secret: str, code: str) -> bool:
    """Whether it is a time-based code of this moment that was not used before; it is used up then."""
    step = _step_of(secret, _plain(code))
    if step is None:
        return False
    try:
        async with transaction():
            await UsedCodeRow.create(account_id=account_id, step=step)
    except IntegrityError:
        return False
    return True


async def renew_recovery_codes(account_id: UUID) -> tuple[str, ...]:
    """Fresh recovery codes in place of the old ones; call it in a transaction."""
    codes = tuple(_recovery_code() for _index in range(RECOVERY_CODES))
    await RecoveryCodeRow.filter(account_id=account_id).delete()
    await RecoveryCodeRow.bulk_create(
        RecoveryCodeRow(account_id=account_id, code_hash=_recovery_hash(account_id, _plain(code))) for code in codes
    )
    return codes


async def forget(account_id: UUID) -> None:
    """Take the second factor from an account, with its recovery codes; call it in a transaction."""
    await RecoveryCodeRow.filter(account_id=account_id).delete()
    await AccountRow.filter(id=account_id).update(
        two_factor_secret=None, two_factor_pending=None, two_factor_pending_until=None
    )


async def delete_past_codes() -> int:
    """Delete the memory of codes that could not be used any more anyway; how many that were."""
    return await UsedCodeRow.filter(step__lt=int(time.time()) // STEP_S - 10 * DRIFT_STEPS).delete()


def _step_of(secret: str, code: str) -> int | None:
    totp, now = pyotp.TOTP(secret), int(time.time()) // STEP_S
    found = None
    for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
        if equal(totp.generate_otp(step), code):
            found = step  # goes on, so that the time tells nothing
    return found


def _recovery_code() -> str:
    letters = "".join(secrets.choice(_ALPHABET) for _index in range(16))
    return "-".join(letters[start : start + 4] for start in range(0, 16, 4))


def _recovery_hash(account_id: UUID, code: str) -> str:
    """Without the panel's key, which may be changed; 79 bits of chance need no secret beside them."""
    return digest(f"recovery-code:{account_id}:{code}")


def _plain(code: str) -> str:
    """As people type it: spaces, dashes and capitals do not matter."""
    return "".join(letter for letter in code.lower() if letter not in " -\t")


def _place(account_id: UUID) -> str:
    return f"account:{account_id}:two-factor"
