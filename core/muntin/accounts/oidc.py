"""Signing in through an OpenID Connect provider."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter, ValidationError
from tortoise.exceptions import IntegrityError

from muntin import audit
from muntin.access import Actor, guarded
from muntin.accounts import tokens
from muntin.accounts.errors import OidcDisabled, OidcFailed, TokenInvalid
from muntin.accounts.models import AccountRow, OidcIdentityRow
from muntin.accounts.naming import free_username
from muntin.accounts.notices import panel_url, send_notice
from muntin.accounts.provider import Identity, authorization_url, discover, exchange_code
from muntin.accounts.registration import add_account
from muntin.accounts.schemas import Email, TwoFactorChallenge
from muntin.accounts.sessions import Device, OpenedSession
from muntin.accounts.signing_in import as_actor, challenge, enter, refuse_closed
from muntin.database import transaction
from muntin.encryption import decrypt, encrypt
from muntin.runtime import panel
from muntin.settings.sections import OidcSettings
from muntin.signing import digest, equal, new_token
from muntin.translation import _
from muntin.vetoes import ask

CALLBACK_PATH = "/sign-in/oidc/callback"
SIGN_IN_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcBegun:
    """A sign-in that goes on at the provider.

    Attributes:
        url: Where the browser is sent.
        browser_secret: Kept in a cookie of this browser, so that nobody can finish the sign-in in another one.
    """

    url: str
    browser_secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcFinished:
    """What became of it.

    Attributes:
        outcome: As of `sign_in`.
        next_path: Where the person wanted to go, a path of this panel.
    """

    outcome: OpenedSession | TwoFactorChallenge
    next_path: str


@guarded(None)
async def begin_oidc(actor: Actor, *, next_path: str = "/") -> OidcBegun:
    """Begin to sign in at the provider.

    Raises:
        OidcDisabled: No provider is set up.
        ProviderUnavailable: It does not answer.
    """
    settings = oidc_settings()
    provider = await discover(settings)
    nonce, verifier, browser_secret = new_token(), new_token(48), new_token()
    data = {
        "nonce": encrypt(nonce, "oidc:nonce"),
        "verifier": encrypt(verifier, "oidc:verifier"),
        "browser": digest(browser_secret),
        "next": next_path if _is_own_path(next_path) else "/",
    }
    state = await tokens.issue("oidc", None, lifetime=SIGN_IN_WITHIN, data=data)
    url = authorization_url(
        provider, settings, redirect_uri=redirect_uri(), state=state, nonce=nonce, verifier=verifier
    )
    return OidcBegun(url=url, browser_secret=browser_secret)


@guarded(None)
async def finish_oidc(actor: Actor, *, state: str, code: str, browser_secret: str, device: Device) -> OidcFinished:
    """Sign in whom the provider sent back.

    Args:
        state, code: From the query of the callback.
        browser_secret: From the cookie that was set when it began.

    Raises:
        TokenInvalid: It was not begun in this browser, took too long, or is presented again.
        OidcFailed: The provider does not vouch for anybody we may let in.
        OidcDisabled, ProviderUnavailable, AccountSuspended, EmailNotVerified: See there.
    """
    settings = oidc_settings()
    begun = await tokens.take("oidc", state)
    if not equal(str(begun.data["browser"]), digest(browser_secret)):
        raise TokenInvalid
    identity = await exchange_code(
        await discover(settings),
        settings,
        redirect_uri=redirect_uri(),
        code=code,
        nonce=decrypt(begun.data["nonce"], "oidc:nonce"),
        verifier=decrypt(begun.data["verifier"], "oidc:verifier"),
    )
    account = await _account_of(actor, identity, settings)
    refuse_closed(account)
    outcome = await challenge(account, device) if account.has_two_factor else await enter(actor, account, device)
    return OidcFinished(outcome=outcome, next_path=begun.data["next"])


def oidc_settings() -> OidcSettings:
    """The settings of the provider.

    Raises:
        OidcDisabled: None is set up.
    """
    settings = panel().settings.section(OidcSettings)
    if not (settings.enabled and settings.issuer and settings.client_id):
        raise OidcDisabled
    return settings


def redirect_uri() -> str:
    """Where the provider sends browsers back to; to be registered there."""
    return panel_url() + CALLBACK_PATH


async def _account_of(actor: Actor, identity: Identity, settings: OidcSettings) -> AccountRow:
    """The account that belongs to the identity, linked or made if need be."""
    known = await OidcIdentityRow.get_or_none(issuer=identity.issuer, subject=identity.subject)
    if known is not None:
        return await AccountRow.get(id=known.account_id).select_related("role")
    if not identity.email_verified:
        raise OidcFailed(_("The provider has not verified your e-mail address."))
    account = await AccountRow.get_or_none(email=identity.email).select_related("role")
    try:
        if account is not None:
            return await _link(actor, account, identity)
        return await _create(actor, identity, settings)
    except IntegrityError as error:
        raise OidcFailed(_("You are signing in twice at once; please try again.")) from error


async def _link(actor: Actor, account: AccountRow, identity: Identity) -> AccountRow:
    """Only an address that was confirmed here too: else whoever registered it first would own the account."""
    if account.email_verified_at is None:
        raise OidcFailed(_("Sign in with your password and confirm your e-mail address first."))
    async with transaction() as events:
        await OidcIdentityRow.create(account_id=account.id, issuer=identity.issuer, subject=identity.subject)
        who = as_actor(account, actor)
        await audit.record(events, who, "user.identity_linked", ("user", account.id), {"issuer": identity.issuer})
        text = _("From now on you can sign in through {issuer}.", issuer=identity.issuer)
        await send_notice(events, account, _("New way to sign in"), text)
    return account


async def _create(actor: Actor, identity: Identity, settings: OidcSettings) -> AccountRow:
    if not settings.create_accounts:
        raise OidcFailed(_("There is no account with your e-mail address."))
    adapter: TypeAdapter[str] = TypeAdapter(Email)
    try:
        email = adapter.validate_python(identity.email)
    except ValidationError as error:
        raise OidcFailed(_("The provider gave no usable e-mail address.")) from error
    names = {"first_name": identity.first_name, "last_name": identity.last_name}
    username = await free_username(identity.username)
    await ask("account.register", actor, {"email": email, "username": username, **names})
    async with transaction() as events:
        account = await add_account(
            events,
            actor,
            email=email,
            username=username,
            first_name=identity.first_name,
            last_name=identity.last_name,
            email_verified_at=datetime.now(UTC),
        )
        await OidcIdentityRow.create(account_id=account.id, issuer=identity.issuer, subject=identity.subject)
    return account


def _is_own_path(path: str) -> bool:
    """Whether it leads to a page of this panel and nowhere else."""
    return path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
