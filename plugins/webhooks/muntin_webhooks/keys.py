"""What a webhook signs with: several secrets and keys at once while one replaces another."""

from __future__ import annotations

import binascii
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from muntin.encryption import decrypt, encrypt
from muntin.signing import decode_bytes, new_signing_key, public_key_of

HMAC, ED25519 = "hmac", "ed25519"
PREFIX, PUBLIC_PREFIX = "whsec_", "whpk_"
PLACE = "webhooks:keys"
MOST = 6
"""Keys of both kinds together, so that the header stays short."""

_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One secret or key.

    Attributes:
        value: The secret as it was shown, or the private half as `muntin.signing` reads it.
        until_ms: Good until then; `None` for the newest of its kind.
    """

    kind: str
    value: str
    until_ms: int | None = None


def new_secret() -> str:
    """`whsec_` and 32 bytes, as the Standard Webhooks write it."""
    return PREFIX + b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def new_keys(secret: str | None = None) -> list[Key]:
    """What a new webhook signs with."""
    return [Key(kind=HMAC, value=secret or new_secret()), Key(kind=ED25519, value=new_signing_key())]


def hmac_key(secret: str) -> bytes:
    """The bytes that sign: what stands behind `whsec_`, or the text itself where somebody chose their own."""
    if secret.startswith(PREFIX):
        text = secret.removeprefix(PREFIX)
        try:
            return b64decode(text + "=" * (-len(text) % 4), validate=True) or secret.encode()
        except (binascii.Error, ValueError):
            pass
    return secret.encode()


def public_key(key: Key) -> str:
    """The public half of an Ed25519 key, as the Standard Webhooks write it."""
    return PUBLIC_PREFIX + b64encode(decode_bytes(public_key_of(key.value))).decode()


def rotated(keys: Sequence[Key], *, now_ms: int, overlap_ms: int, secret: str | None = None) -> list[Key]:
    """New ones first; the old ones are good for a while."""
    until_ms = now_ms + overlap_ms
    old = [Key(kind=key.kind, value=key.value, until_ms=min(key.until_ms or until_ms, until_ms)) for key in keys]
    return new_keys(secret) + good(old, now_ms=now_ms)


def good(keys: Sequence[Key], *, now_ms: int) -> list[Key]:
    """Those that may still be signed with."""
    return [key for key in keys if key.until_ms is None or key.until_ms > now_ms]


def sealed(keys: Sequence[Key]) -> list[dict[str, Any]]:
    """As they are stored."""
    return [{"kind": key.kind, "sealed": encrypt(key.value, PLACE), "until_ms": key.until_ms} for key in keys]


def opened(stored: Sequence[Mapping[str, Any]]) -> list[Key]:
    """The inverse of `sealed`."""
    return [Key(kind=one["kind"], value=decrypt(one["sealed"], PLACE), until_ms=one["until_ms"]) for one in stored]
