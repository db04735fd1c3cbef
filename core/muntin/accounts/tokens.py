"""Access tokens (JWT), refresh tokens, and tokens that work once."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from muntin.accounts.errors import TokenExpired, TokenInvalid
from muntin.accounts.models import OneTimeTokenRow, TokenPurpose
from muntin.database import compare_and_set
from muntin.errors import NotAuthenticated
from muntin.runtime import panel
from muntin.signing import decode_bytes, derive_key, digest, encode_bytes, is_signed, new_token, sign

ACCESS_TTL_S = 900
_ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessClaims:
    """What an access token says.

    Attributes:
        expires_at_s: Seconds since 1970.
    """

    account_id: UUID
    session_id: UUID
    expires_at_s: int


def access_key() -> bytes:
    """The panel's key for access tokens."""
    return derive_key(panel().configuration.key, "accounts.access-token")


def issuer() -> str:
    """The `iss` claim of this panel's tokens."""
    return panel().configuration.public_url


def make_access_token(account_id: UUID, session_id: UUID) -> str:
    """A fresh access token for a session, good for `ACCESS_TTL_S`."""
    now = int(time.time())
    claims = {
        "iss": issuer(),
        "sub": str(account_id),
        "sid": str(session_id),
        "typ": "access",
        "iat": now,
        "exp": now + ACCESS_TTL_S,
        "jti": str(uuid4()),
    }
    return encode(claims, access_key())


def encode(claims: Mapping[str, Any], key: bytes) -> str:
    """A compact JWT, signed with HMAC-SHA256."""
    header = {"alg": _ALGORITHM, "typ": "JWT"}  # in this order, as other programs write it
    return jwt.encode(header, dict(claims), OctKey.import_key(key), algorithms=[_ALGORITHM], default_type=None)


def read_access_token(token: str) -> AccessClaims:
    """What an access token says, if this panel made it for that purpose.

    Raises:
        TokenExpired: It was good once.
        NotAuthenticated: It is not an access token of this panel.
    """
    claims = _decode_with_any(token)
    if claims.get("typ") != "access" or claims.get("iss") != issuer():
        raise NotAuthenticated
    try:
        read = AccessClaims(
            account_id=UUID(claims["sub"]), session_id=UUID(claims["sid"]), expires_at_s=int(claims["exp"])
        )
    except (KeyError, ValueError, TypeError, AttributeError):
        raise NotAuthenticated from None
    if read.expires_at_s <= time.time():
        raise TokenExpired
    return read


def _decode_with_any(token: str) -> dict[str, Any]:
    """With the panel's key, or one it had before: a change of the key ends nobody's session."""
    for root in panel().configuration.keys:
        with contextlib.suppress(NotAuthenticated):
            return decode(token, derive_key(root, "accounts.access-token"))
    raise NotAuthenticated


def decode(token: str, key: bytes) -> dict[str, Any]:
    """The claims of a JWT with a good HMAC-SHA256 signature; any other algorithm is refused.

    Raises:
        NotAuthenticated: It is not one.
    """
    try:
        return dict(jwt.decode(token, OctKey.import_key(key), algorithms=[_ALGORITHM]).claims)
    except (JoseError, ValueError):
        raise NotAuthenticated from None


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What a refresh token proves: which session it belongs to, and the how-many-th it is."""

    session_id: UUID
    generation: int


def make_refresh_token(session_id: UUID, generation: int) -> str:
    """An opaque token; the database keeps its digest.

    Signed, so that an old one is recognised as this session's without keeping every digest there ever was.
    """
    body = session_id.bytes + generation.to_bytes(4) + decode_bytes(new_token(18))
    return encode_bytes(body + sign(_refresh_key(), body))


def read_refresh_token(token: str) -> RefreshToken | None:
    """What the token proves; `None` for what this panel never made."""
    try:
        raw = decode_bytes(token)
    except ValueError:
        return None
    body, signature = raw[:38], raw[38:]
    roots = panel().configuration.keys
    if not any(is_signed(derive_key(root, "accounts.refresh-token"), body, signature) for root in roots):
        return None
    return RefreshToken(UUID(bytes=body[:16]), int.from_bytes(body[16:20]))


def _refresh_key() -> bytes:
    return derive_key(panel().configuration.key, "accounts.refresh-token")


async def issue(
    purpose: TokenPurpose,
    account_id: UUID | None,
    *,
    lifetime: timedelta,
    data: Mapping[str, Any] | None = None,
    replacing: bool = True,
) -> str:
    """A token that works once.

    Args:
        data: Plain JSON that `take` gives back.
        replacing: Earlier tokens of the account for the same purpose stop working.
    """
    if replacing and account_id is not None:
        await OneTimeTokenRow.filter(account_id=account_id, purpose=purpose).delete()
    token = new_token()
    await OneTimeTokenRow.create(
        account_id=account_id,
        purpose=purpose,
        token_hash=digest(token),
        data=dict(data or {}),
        expires_at=datetime.now(UTC) + lifetime,
    )
    return token


async def find(purpose: TokenPurpose, token: str) -> OneTimeTokenRow | None:
    """The unused, unexpired token; it stays usable."""
    return await OneTimeTokenRow.get_or_none(
        purpose=purpose, token_hash=digest(token), used_at=None, expires_at__gt=datetime.now(UTC)
    )


async def take(purpose: TokenPurpose, token: str) -> OneTimeTokenRow:
    """Use the token up; of two at once one gets it.

    Raises:
        TokenInvalid: Unknown, of another purpose, expired, or used.
    """
    row = await find(purpose, token)
    if row is None or not await use_up(row):
        raise TokenInvalid
    return row


async def use_up(row: OneTimeTokenRow) -> bool:
    """Mark the token as used; false when somebody was faster."""
    return bool(await compare_and_set(OneTimeTokenRow.filter(id=row.id, used_at=None), used_at=datetime.now(UTC)))


async def withdraw(account_id: UUID, *purposes: TokenPurpose) -> None:
    """Make the account's tokens for these purposes useless."""
    await OneTimeTokenRow.filter(account_id=account_id, purpose__in=purposes, used_at=None).delete()


async def delete_past_tokens() -> int:
    """Delete the tokens that have expired; how many that were."""
    return await OneTimeTokenRow.filter(expires_at__lte=datetime.now(UTC)).delete()
