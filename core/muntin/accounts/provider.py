"""An OpenID provider seen from the panel: its configuration, its token endpoint, its signed answers."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
from authlib.deprecate import AuthlibDeprecationWarning
from authlib.integrations.base_client import OAuthError
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from muntin.accounts.errors import OidcFailed
from muntin.errors import Unavailable
from muntin.settings.sections import OidcSettings
from muntin.signing import equal
from muntin.translation import _

TIMEOUT_S = 10.0
LEEWAY_S = 60
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""Signatures that a provider's public key proves; shared secrets and `none` are not among them."""


class ProviderUnavailable(Unavailable):
    """The provider did not answer, or not as a provider does."""

    code = "oidc_unavailable"
    default_message = "The sign-in provider does not answer at the moment."


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whom the provider vouches for."""

    issuer: str
    subject: str
    email: str
    email_verified: bool
    username: str
    first_name: str | None
    last_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider's published configuration (OpenID Connect Discovery 1.0)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


async def discover(settings: OidcSettings) -> Provider:
    """Read the provider's configuration.

    Raises:
        ProviderUnavailable: It cannot be read, or speaks for another issuer.
    """
    found = await _get_json(f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration")
    try:
        provider = Provider(**{name: str(found[name]) for name in Provider.__dataclass_fields__})
    except KeyError as error:
        raise ProviderUnavailable(_("The provider's configuration lacks {name}.", name=str(error))) from error
    if provider.issuer.rstrip("/") != settings.issuer.rstrip("/"):
        raise ProviderUnavailable(_("The provider calls itself {issuer}.", issuer=repr(provider.issuer)))
    return provider


def authorization_url(
    provider: Provider, settings: OidcSettings, *, redirect_uri: str, state: str, nonce: str, verifier: str
) -> str:
    """Where the browser goes to sign in (code flow, PKCE with S256)."""
    client = _client(settings, redirect_uri)
    url, _state = client.create_authorization_url(
        provider.authorization_endpoint, state=state, nonce=nonce, code_verifier=verifier
    )
    return str(url)


async def exchange_code(
    provider: Provider, settings: OidcSettings, *, redirect_uri: str, code: str, nonce: str, verifier: str
) -> Identity:
    """Whom the code that the browser brought back stands for.

    Raises:
        OidcFailed: The provider refused the code, or its answer does not prove anything.
        ProviderUnavailable: It did not answer.
    """
    try:
        async with _client(settings, redirect_uri) as client:
            answer = await client.fetch_token(provider.token_endpoint, code=code, code_verifier=verifier)
    except OAuthError as error:
        raise OidcFailed(_("The provider refused: {reason}.", reason=str(error.error))) from error
    except (httpx.HTTPError, json.JSONDecodeError) as error:
        raise ProviderUnavailable from error
    keys = await _get_json(provider.jwks_uri)
    return _identity(_claims(str(answer.get("id_token") or ""), keys), provider, settings, nonce)


def _client(settings: OidcSettings, redirect_uri: str) -> Any:
    """authlib's client for one sign-in; untyped there."""
    return _client_class()(
        client_id=settings.client_id,
        client_secret=settings.client_secret.get_secret_value() if settings.client_secret else None,
        scope=settings.scopes,
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
        timeout=TIMEOUT_S,
        trust_env=False,
    )


@cache
def _client_class() -> Any:
    """Imported when first needed, since few panels sign in through a provider."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AuthlibDeprecationWarning)  # it would rather use httpx's successor
        from authlib.integrations.httpx_client import AsyncOAuth2Client
    return AsyncOAuth2Client


async def _get_json(url: str) -> dict[str, Any]:
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
            answer = await client.get(url, headers={"Accept": "application/json"})
            answer.raise_for_status()
            found = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise ProviderUnavailable from error
    if not isinstance(found, dict):
        raise ProviderUnavailable
    return found


def _claims(id_token: str, keys: Mapping[str, Any]) -> dict[str, Any]:
    try:
        key_set = KeySet.import_key_set(dict(keys))  # type: ignore[arg-type]  # checked by the call itself
        return dict(jwt.decode(id_token, key_set, algorithms=ALGORITHMS).claims)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise OidcFailed(_("The provider's answer is not signed by its key.")) from error


def _identity(claims: Mapping[str, Any], provider: Provider, settings: OidcSettings, nonce: str) -> Identity:
    """Check what OpenID Connect Core 1.0 section 3.1.3.7 says must be checked."""
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    now, expires_at, issued_at = time.time(), claims.get("exp"), claims.get("iat")
    sound = (
        claims.get("iss") == provider.issuer
        and settings.client_id in audiences
        and (len(audiences) == 1 or claims.get("azp") == settings.client_id)
        and isinstance(expires_at, int | float)
        and expires_at > now - LEEWAY_S
        and isinstance(issued_at, int | float)
        and issued_at < now + LEEWAY_S
        and equal(str(claims.get("nonce") or ""), nonce)
        and bool(claims.get("sub"))
    )
    if not sound:
        raise OidcFailed(_("The provider's answer is not meant for this sign-in."))
    email = str(claims.get("email") or "").lower()
    return Identity(
        issuer=provider.issuer,
        subject=str(claims["sub"])[:255],
        email=email,
        email_verified=claims.get("email_verified") is True and bool(email),
        username=str(claims.get("preferred_username") or email),
        first_name=_name(claims.get("given_name")),
        last_name=_name(claims.get("family_name")),
    )


def _name(value: object) -> str | None:
    return "".join(letter for letter in value if letter.isprintable())[:191] if isinstance(value, str) else None
