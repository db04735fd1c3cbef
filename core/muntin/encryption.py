"""Secrets that have to be read again (second factors, settings, HMAC keys), encrypted with AES-256-GCM.

A cipher text is `v2.<key id>.<place, nonce and sealed text>`; the key id says which of several keys made it, so that
keys can be changed while old cipher texts stay readable. The place (a digest of it) is authenticated: a cipher text
moved to another row or field does not decrypt. Because the digest travels with it, `muntin key rotate` can encrypt
every value anew without knowing the places; see `muntin.key_rotation`.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from muntin.runtime import panel
from muntin.signing import decode_bytes, derive_key, encode_bytes

VERSION = "v2"
CIPHER_TEXT = re.compile(r"(?<![A-Za-z0-9_.-])v2\.[0-9a-f]{8}\.[A-Za-z0-9_-]{58,}")
"""What cipher texts look like, wherever they stand; 58 characters are place, nonce and tag of an empty text."""

_PLACE_BYTES = 16
_NONCE_BYTES = 12


class CannotDecrypt(ValueError):
    """The key is lost, or the cipher text was changed or moved."""


class Encryption:
    """Encrypts with the newest key and reads what any of the keys made.

    Args:
        root: The installation's secret, `configuration.key`.
        previous: Other secrets whose cipher texts can be read.
    """

    def __init__(self, root: bytes, *previous: bytes) -> None:
        keys = [derive_key(one, "encryption") for one in (root, *previous)]
        self._ciphers = {_key_id(key): AESGCM(key) for key in reversed(keys)}
        self.newest = _key_id(keys[0])

    def encrypt(self, text: str, place: str) -> str:
        """The cipher text; see the function of the same name."""
        return self._seal(text.encode(), _digest(place))

    def decrypt(self, cipher_text: str, place: str) -> str:
        """What was encrypted.

        Raises:
            CannotDecrypt: No key fits, or it was made for another place.
        """
        plain, found = self._open(cipher_text)
        if found != _digest(place):
            raise CannotDecrypt("The encrypted value was moved.")
        return plain.decode()

    def encrypt_anew(self, cipher_text: str) -> str:
        """The same text for the same place, encrypted with the newest key.

        Raises:
            CannotDecrypt: No key fits, or it was changed.
        """
        return self._seal(*self._open(cipher_text))

    def is_current(self, cipher_text: str) -> bool:
        """Whether the newest key made it."""
        return cipher_text.startswith(f"{VERSION}.{self.newest}.")

    def _seal(self, plain: bytes, place: bytes) -> str:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._ciphers[self.newest].encrypt(nonce, plain, place)
        return f"{VERSION}.{self.newest}.{encode_bytes(place + nonce + sealed)}"

    def _open(self, cipher_text: str) -> tuple[bytes, bytes]:
        version, _, rest = cipher_text.partition(".")
        key_id, _, encoded = rest.partition(".")
        cipher = self._ciphers.get(key_id)
        if version != VERSION or cipher is None:
            raise CannotDecrypt("The key this was encrypted with is not one of the panel's keys.")
        try:
            raw = decode_bytes(encoded)
            place, nonce = raw[:_PLACE_BYTES], raw[_PLACE_BYTES : _PLACE_BYTES + _NONCE_BYTES]
            return cipher.decrypt(nonce, raw[_PLACE_BYTES + _NONCE_BYTES :], place), place
        except (InvalidTag, ValueError) as error:
            raise CannotDecrypt("The encrypted value was changed.") from error


def encrypt(text: str, place: str) -> str:
    """The text, encrypted with the panel's newest key.

    Store it as it is, in a column of text or as a string inside JSON: then `muntin key rotate` finds it.

    Args:
        place: Where it is stored, e.g. `account:<id>:two-factor`; needed again to decrypt.
    """
    return panel_encryption().encrypt(text, place)


def decrypt(cipher_text: str, place: str) -> str:
    """What `encrypt` was given for the same place.

    Raises:
        CannotDecrypt: None of the panel's keys made it, or the cipher text was changed or moved.
    """
    return panel_encryption().decrypt(cipher_text, place)


def panel_encryption() -> Encryption:
    """With the keys of this panel as they are now."""
    return _with_keys(panel().configuration.keys)


@lru_cache(maxsize=8)
def _with_keys(keys: tuple[bytes, ...]) -> Encryption:
    return Encryption(*keys)


def _digest(place: str) -> bytes:
    return hashlib.sha256(b"place" + place.encode()).digest()[:_PLACE_BYTES]


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"key id" + key).hexdigest()[:8]
