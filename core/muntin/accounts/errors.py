"""What may go wrong with accounts and credentials, with the codes the native API documents."""

from __future__ import annotations

from muntin.errors import Conflict, Forbidden, InvalidInput, LimitReached, MuntinError, NotAuthenticated
from muntin.translation import _


class InvalidCredentials(NotAuthenticated):
    """Unknown account or wrong password; which of the two is nobody's business."""

    code = "invalid_credentials"
    default_message = "The e-mail address or the password is not right."


class InvalidCode(NotAuthenticated):
    """The second factor was not right, or was used before."""

    code = "invalid_code"
    default_message = "This code is not right, or was used before."


class ChallengeExpired(NotAuthenticated):
    """The second step of a sign-in came too late or was tried too often."""

    code = "challenge_expired"
    default_message = "This took too long; please sign in again."


class InvalidRefreshToken(NotAuthenticated):
    """Unknown, expired, or used before."""

    code = "invalid_refresh_token"
    default_message = "This session is over; please sign in again."


class TokenExpired(NotAuthenticated):
    """An access token whose time is over; a fresh one is to be had with the refresh token."""

    code = "token_expired"
    default_message = "The access token has expired."


class ApiKeyInactive(NotAuthenticated):
    """The key exists, but was switched off or has expired."""

    code = "api_key_inactive"
    default_message = "This API key is switched off or has expired."


class AddressNotAllowed(Forbidden):
    """The key may not be used from this address."""

    code = "ip_not_allowed"
    default_message = "This API key may not be used from your address."


class AccountSuspended(Forbidden):
    """The account is closed for the time being."""

    code = "account_suspended"
    default_message = "This account is suspended."


class EmailNotVerified(Forbidden):
    """The address has to be confirmed first."""

    code = "email_not_verified"
    default_message = "Confirm your e-mail address first; we can send you the link again."


class RegistrationDisabled(Forbidden):
    """Accounts are made by administrators only."""

    code = "registration_disabled"
    default_message = "Registration is closed."


class AccountLocked(MuntinError):
    """Too many failures from this address for this account.

    Args:
        retry_after_s: Seconds until it may be tried again.
    """

    status = 423
    code = "account_locked"
    default_message = "Too many failed attempts; try again later."

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(None, retry_after=max(1, retry_after_s))
        self.retry_after_s = max(1, retry_after_s)

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after_s)}


class WrongCode(MuntinError):
    """The code that is to switch the second factor on or off was not right."""

    status = 422
    code = "invalid_code"
    default_message = "This code is not right, or was used before."


class TokenInvalid(MuntinError):
    """A link from a mail that was used, has expired, or never was."""

    status = 422
    code = "token_invalid"
    default_message = "This link is not valid any more; please ask for a new one."


class WrongPassword(InvalidInput):
    """The current password, asked for again before something important, was not right."""

    def __init__(self, field: str) -> None:
        super().__init__({field: [_("This is not your current password.")]})


class AccountExists(Conflict):
    """Another account has this address or name.

    `details` says which of `email` and `username` is taken.
    """

    default_message = "Another account uses this already."


class TwoFactorAlreadyEnabled(Conflict):
    """There is a second factor already."""

    default_message = "Two-factor authentication is on already."


class TooManyKeys(LimitReached):
    """No more API keys fit."""

    default_message = "An account can have at most 25 API keys; delete one first."


class SshKeyExists(Conflict):
    """The account has this key already."""

    default_message = "You have this key already."


class OidcFailed(Forbidden):
    """The provider's answer does not let anybody in."""

    code = "oidc_failed"
    default_message = "Signing in through the provider did not work."


class OidcDisabled(Forbidden):
    """Sign-in through a provider is switched off."""

    code = "oidc_disabled"
    default_message = "Sign-in through a provider is not set up."
