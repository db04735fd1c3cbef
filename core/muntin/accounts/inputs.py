"""Bodies of the native API's account routes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from muntin.accounts.schemas import Code, Email, Language, Password, PersonName, Secret, Timezone, Username
from muntin.schemas import Input, Line, Name
from muntin.translation import _


def in_utc(moment: datetime) -> datetime:
    """The same moment in UTC; refused where that would be before the year 1 or after 9999."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(_("This is no time that can be stored.")) from None


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


_NOT_GIVEN = Field(json_schema_extra=_without_default)
"""Of a field whose default is no value that could be sent, so that the API's description does not show it."""
Moment = Annotated[AwareDatetime, AfterValidator(in_utc)]
_PermissionKey = Annotated[Line, StringConstraints(min_length=1, max_length=191)]
_Network = Annotated[Line, StringConstraints(min_length=1, max_length=64)]
Permissions = Annotated[list[_PermissionKey], Field(max_length=500)]
Networks = Annotated[list[_Network], Field(max_length=100)]


class LoginInput(Input):
    """First step of a sign-in; `email` may be a username."""

    email: Annotated[Line, StringConstraints(min_length=1, max_length=255)]
    password: Password
    remember: bool = False


class ChallengeInput(Input):
    """Second step of a sign-in."""

    challenge_token: Secret
    code: Code


class RefreshInput(Input):
    """A refresh token to be exchanged."""

    refresh_token: Secret


class LogoutInput(Input):
    """Which sessions end."""

    all: bool = False


class RegisterInput(Input):
    """A new account."""

    email: Email
    username: Username
    password: Password
    first_name: PersonName | None = None
    last_name: PersonName | None = None


class EmailInput(Input):
    """Whom to send a mail."""

    email: Email


class ResetInput(Input):
    """A new password with the token of a mail."""

    token: Secret
    email: Email
    password: Password


class TokenInput(Input):
    """The token of a mail."""

    token: Secret


class AccountInput(Input):
    """Changes of a profile; what is left out stays. Defaults only stand for "not given"."""

    email: Annotated[Email, _NOT_GIVEN] = ""
    username: Annotated[Username, _NOT_GIVEN] = ""
    first_name: PersonName | None = None
    last_name: PersonName | None = None
    language: Annotated[Language, _NOT_GIVEN] = ""
    timezone: Annotated[Timezone, _NOT_GIVEN] = ""
    current_password: Password | None = None


class PasswordInput(Input):
    """A new password."""

    current_password: Password
    password: Password
    password_confirmation: Password | None = None


class ConfirmInput(Input):
    """The current password, before something important."""

    password: Password


class CodeInput(Input):
    """A code of the authenticator app."""

    code: Code


class DisableInput(Input):
    """Both factors, before the second is switched off."""

    password: Password
    code: Code


class ApiKeyInput(Input):
    """A new key."""

    description: Name
    permissions: Permissions = ["*"]
    allowed_ips: Networks = []
    expires_at: Moment | None = None


class ApiKeyChange(Input):
    """Changes of a key; what is left out stays."""

    description: Name | None = None
    permissions: Permissions | None = None
    allowed_ips: Networks | None = None
    is_active: bool | None = None


class SshKeyInput(Input):
    """A new public key."""

    name: Name
    public_key: Annotated[Line, StringConstraints(min_length=1, max_length=16384)]
