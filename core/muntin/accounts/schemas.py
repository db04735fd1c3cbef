"""What goes in and comes out: frozen dataclasses in the words of the native API, and checked inputs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, EmailStr, Field, StringConstraints

from muntin.accounts.passwords import MAX_LENGTH
from muntin.schemas import no_nul, one_line
from muntin.settings.checks import language_tag, time_zone
from muntin.translation import _

_USERNAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\Z")


def _short_email(value: str) -> str:
    if len(value) > 191:
        raise ValueError(_("An e-mail address has at most 191 characters."))
    return value.lower()


def _username(value: str) -> str:
    if not _USERNAME.match(value):
        raise ValueError(_("Use letters, digits, dots, dashes and underscores; begin and end with a letter or digit."))
    return value


Email = Annotated[EmailStr, AfterValidator(_short_email)]
Username = Annotated[str, StringConstraints(min_length=3, max_length=64), AfterValidator(_username)]
Password = Annotated[str, StringConstraints(min_length=1, max_length=MAX_LENGTH), AfterValidator(no_nul)]
PersonName = Annotated[str, StringConstraints(strip_whitespace=True, max_length=191), AfterValidator(one_line)]
Language = Annotated[str, StringConstraints(max_length=16), AfterValidator(language_tag)]
Timezone = Annotated[str, StringConstraints(max_length=64), AfterValidator(time_zone)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=512)]
Code = Annotated[str, Field(min_length=1, max_length=32)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleOfAccount:
    """The role of an account, in short."""

    id: int
    name: str
    slug: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account as its own person sees it."""

    id: UUID
    email: str
    username: str
    first_name: str | None
    last_name: str | None
    role: RoleOfAccount
    permissions: tuple[str, ...]
    language: str
    timezone: str
    two_factor_enabled: bool
    email_verified_at: datetime | None
    status: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPair:
    """What a program signs its requests with, and what it gets the next pair for.

    Attributes:
        expires_in, refresh_expires_in: In seconds.
    """

    access_token: str
    refresh_token: str
    token_type: str = "Bearer"  # noqa: S105 - not a secret
    expires_in: int
    refresh_expires_in: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoFactorChallenge:
    """The password was right; the second factor is still due.

    Attributes:
        expires_in: In seconds.
    """

    two_factor_required: bool = True
    challenge_token: str
    methods: tuple[str, ...] = ("totp", "backup_code")
    expires_in: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A new account with its first session."""

    user: Account
    tokens: TokenPair


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredUnverified:
    """A new account that cannot be used before its address is confirmed."""

    user: Account
    verification_required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One of the places where an account is signed in."""

    id: UUID
    ip: str
    user_agent: str
    is_current: bool
    created_at: datetime
    last_active_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key of a person's program; the key itself is shown once, when it is made."""

    id: UUID
    prefix: str
    description: str
    permissions: tuple[str, ...]
    allowed_ips: tuple[str, ...]
    is_active: bool
    last_used_at: datetime | None
    last_used_ip: str | None
    expires_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApiKey(ApiKey):
    """A key that was just made."""

    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoFactorState:
    """Whether a second factor is asked for, and whether it has to be."""

    enabled: bool
    methods: tuple[str, ...]
    backup_codes_remaining: int
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoFactorSetup:
    """What an authenticator app needs; shown once.

    Attributes:
        secret: Base32.
        qr_svg: The address as a picture, an `<svg>` element.
    """

    secret: str
    otpauth_url: str
    qr_svg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoFactorEnabled:
    """The second factor is on."""

    enabled: bool
    backup_codes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoFactorDisabled:
    """The second factor is off."""

    enabled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupCodes:
    """Fresh recovery codes; the earlier ones do not work any more."""

    backup_codes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SshKey:
    """A public key for SFTP."""

    id: UUID
    name: str
    fingerprint: str
    public_key: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A mail is on its way, if there is anybody to send it to."""

    sent: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The password is the new one."""

    changed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The address is confirmed."""

    verified: bool = True
