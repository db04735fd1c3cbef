"""Secrets that have to be read again (second factors, settings, HMAC keys), encrypted with AES-256-GCM.

A cipher text is `v1.<key id>.<nonce and cipher text>`; the key id says which of several keys made it,
so that keys can be changed while old cipher texts stay readable. Where it is stored is part of what
is authenticated: a cipher text moved to another row or field does not decrypt.
"""

from __future__ import annotations

import hashlib
import secrets
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from muntin.runtime import panel
from muntin.signing import decode_bytes, derive_key, encode_bytes

_VERSION = "v1"
_NONCE_BYTES = 12


class CannotDecrypt(ValueError):
    """The key is lost, or the cipher text was changed or moved."""


class Encryption:
    """Encrypts with the newest key and reads what any of the keys made.

    Args:
        root: The installation's secret, `configuration.key`.
        previous: Earlier secrets, newest first.
    """

    def __init__(self, root: bytes, *previous: bytes) -> None:
        keys = [derive_key(one, "encryption") for one in (root, *previous)]
        self._ciphers = {_key_id(key): AESGCM(key) for key in reversed(keys)}
        self._newest = _key_id(keys[0])

    def encrypt(self, text: str, place: str) -> str:
        """The cipher text; see the function of the same name."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._ciphers[self._newest].encrypt(nonce, text.encode(), place.encode())
        return f"{_VERSION}.{self._newest}.{encode_bytes(nonce + sealed)}"

    def decrypt(self, cipher_text: str, place: str) -> str:
        """What was encrypted.

        Raises:
            CannotDecrypt: No key fits, or it was made for another place.
        """
        version, _, rest = cipher_text.partition(".")
        key_id, _, sealed = rest.partition(".")
        cipher = self._ciphers.get(key_id)
        if version != _VERSION or cipher is None:
            raise CannotDecrypt("The key this was encrypted with is not the panel's key.")
        try:
            raw = decode_bytes(sealed)
            return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise CannotDecrypt("The encrypted value was changed or moved.") from error

    def is_current(self, cipher_text: str) -> bool:
        """Whether the newest key made it; if not, encrypt it again at the next occasion."""
        return cipher_text.startswith(f"{_VERSION}.{self._newest}.")


def encrypt(text: str, place: str) -> str:
    """The text, encrypted with the panel's key.

    Args:
        place: Where it is stored, e.g. `account:<id>:two-factor`; needed again to decrypt.
    """
    return _of_panel(panel().configuration.key).encrypt(text, place)


def decrypt(cipher_text: str, place: str) -> str:
    """What `encrypt` was given for the same place.

    Raises:
        CannotDecrypt: The panel's key is another one, or the cipher text was changed or moved.
    """
    return _of_panel(panel().configuration.key).decrypt(cipher_text, place)


@lru_cache(maxsize=8)
def _of_panel(root: bytes) -> Encryption:
    return Encryption(root)


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"key id" + key).hexdigest()[:8]
