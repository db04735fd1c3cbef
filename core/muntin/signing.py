"""Keys, signatures and signed addresses: the one place that signs, and compares in constant time.

Every key is derived from the installation's secret for one purpose, so that nothing signed for one
purpose is ever good for another.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.constant_time import bytes_eq
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

_EXPIRES, _SIGNATURE = "expires", "signature"


@lru_cache(maxsize=256)
def derive_key(root: bytes, purpose: str, length: int = 32) -> bytes:
    """The key for one purpose (HKDF-SHA256, RFC 5869).

    Args:
        root: The installation's secret, `configuration.key`.
        purpose: Names what the key is for, e.g. `accounts.access-token`; stays the same for ever.
        length: In bytes.
    """
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=b"muntin", info=purpose.encode()).derive(root)


def sign(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA256, 32 bytes."""
    signer = hmac.HMAC(key, hashes.SHA256())
    signer.update(message)
    return signer.finalize()


def is_signed(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature is right; takes equally long whatever is wrong with it."""
    return bytes_eq(sign(key, message), signature)


def equal(one: str, other: str) -> bool:
    """Whether two texts are the same, in constant time for texts of one length."""
    return bytes_eq(one.encode(), other.encode())


def digest(token: str) -> str:
    """SHA-256 in hex of a random token, which is what the database keeps of it.

    Not for passwords: only what has 128 bits of chance in it may be stored so.
    """
    return hashlib.sha256(token.encode()).hexdigest()


def new_token(nbytes: int = 32) -> str:
    """A fresh secret that can stand in addresses, cookies and headers."""
    return secrets.token_urlsafe(nbytes)


def sign_url(key: bytes, url: str, *, lifetime_s: int, now_s: int | None = None) -> str:
    """The address with `expires` (seconds since 1970) and `signature` added to its query.

    Path and query are signed; scheme and host are not, since proxies change them.
    """
    expires_at_s = (int(time.time()) if now_s is None else now_s) + lifetime_s
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), (_EXPIRES, str(expires_at_s))]
    signature = encode_bytes(sign(key, _signed_part(parts.path, query)))
    return urlunsplit(parts._replace(query=urlencode([*query, (_SIGNATURE, signature)])))


def is_signed_url(key: bytes, url: str, *, now_s: int | None = None) -> bool:
    """Whether `sign_url` made this address and its time is not over."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    if len(query) < 2 or query[-1][0] != _SIGNATURE or query[-2][0] != _EXPIRES:
        return False
    signed, signature, expires_at_s = query[:-1], query[-1][1], query[-2][1]
    try:
        good = is_signed(key, _signed_part(parts.path, signed), decode_bytes(signature))
    except ValueError:
        return False
    return good and int(expires_at_s) > (int(time.time()) if now_s is None else now_s)


def _signed_part(path: str, query: list[tuple[str, str]]) -> bytes:
    return f"{path}?{urlencode(query)}".encode()


def encode_bytes(value: bytes) -> str:
    """URL-safe base64 without padding."""
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def decode_bytes(text: str) -> bytes:
    """The inverse of `encode_bytes`.

    Raises:
        ValueError: It is not base64.
    """
    if not text.isascii():
        raise ValueError("not base64")
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def new_signing_key() -> str:
    """A fresh Ed25519 private key, as `sign_ed25519` reads it; store it encrypted."""
    raw = Ed25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return encode_bytes(raw)


def public_key_of(signing_key: str) -> str:
    """The public half, to be given to whoever verifies."""
    key = Ed25519PrivateKey.from_private_bytes(decode_bytes(signing_key))
    return encode_bytes(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


def sign_ed25519(signing_key: str, message: bytes) -> bytes:
    """An Ed25519 signature, 64 bytes."""
    return _private_key(signing_key).sign(message)


@lru_cache(maxsize=256)
def _private_key(signing_key: str) -> Ed25519PrivateKey:
    """Kept, since reading a key costs as much as signing with it."""
    return Ed25519PrivateKey.from_private_bytes(decode_bytes(signing_key))


def is_signed_ed25519(public_key: str, message: bytes, signature: bytes) -> bool:
    """Whether the holder of the private half signed the message."""
    try:
        Ed25519PublicKey.from_public_bytes(decode_bytes(public_key)).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
