"""Keys, signatures and signed addresses."""

from __future__ import annotations

import pytest

from muntin.encryption import CannotDecrypt, Encryption
from muntin.signing import (
    derive_key,
    digest,
    is_signed,
    is_signed_ed25519,
    is_signed_url,
    new_signing_key,
    public_key_of,
    sign,
    sign_ed25519,
    sign_url,
)

KEY = b"0123456789abcdef0123456789abcdef"


def test_signature_is_hmac_sha256() -> None:
    body = (
        b'{"id":"0b6d2d5e-9d0a-4d8e-8d6f-2f6f0f5b7a11","event":"server.created","timestamp":"2026-03-07T12:00:00Z",'
        b'"data":{"server_id":"a1b2c3d4-e5f6-4890-abcd-ef1234567890"}}'
    )

    signature = sign(b"hook-secret", body)

    assert signature.hex() == "c9e381c18723a52542c76783b8204727a88939d565c70f9c9cfa179a91fcc175"
    assert is_signed(b"hook-secret", body, signature)
    assert not is_signed(b"hook-secret", body + b" ", signature)
    assert not is_signed(b"another", body, signature)
    assert not is_signed(b"hook-secret", body, b"")


def test_keys_for_two_purposes_have_nothing_in_common() -> None:
    keys = {derive_key(KEY, "one"), derive_key(KEY, "two"), derive_key(b"another root", "one")}

    assert len(keys) == 3
    assert derive_key(KEY, "one") == derive_key(KEY, "one")


def test_digest_is_sha256_of_the_whole_api_key() -> None:
    assert (
        digest("bp_k7Qm2Xz9Lr4Tn8Vb1Hc6Yd3Wf5Gs0JpAeUiOaBcD")
        == "26455191a9c8cda286bd708cc937bb2d7f73b6e544810662fc2689cc72206ea5"
    )


def test_signed_address_is_good_until_it_expires() -> None:
    url = sign_url(KEY, "https://panel.example.test/files/a%20b?name=x&name=", lifetime_s=60, now_s=1000)

    assert is_signed_url(KEY, url, now_s=1059)
    assert is_signed_url(KEY, url.replace("https://panel.example.test", ""), now_s=1059)
    assert not is_signed_url(KEY, url, now_s=1060)


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url.replace("/files/", "/filez/"),
        lambda url: url.replace("name=x", "name=y"),
        lambda url: url.replace("expires=1060", "expires=9999"),
        lambda url: url + "&more=1",
        lambda url: url.split("&signature")[0],
        lambda url: url[:-2] + "é",
        lambda url: url.split("?")[0],
    ],
)
def test_changed_address_is_refused(change: object) -> None:
    url = sign_url(KEY, "https://panel.example.test/files/a?name=x", lifetime_s=60, now_s=1000)

    assert callable(change)
    assert not is_signed_url(KEY, change(url), now_s=1001)


def test_ed25519_signature_is_verified_with_the_public_half() -> None:
    key = new_signing_key()

    signature = sign_ed25519(key, b"message")

    assert is_signed_ed25519(public_key_of(key), b"message", signature)
    assert not is_signed_ed25519(public_key_of(key), b"massage", signature)
    assert not is_signed_ed25519(public_key_of(new_signing_key()), b"message", signature)
    assert not is_signed_ed25519("junk", b"message", signature)


def test_encrypted_text_is_read_at_its_place_only() -> None:
    encryption = Encryption(KEY)

    sealed = encryption.encrypt("a secret", "row 1")

    assert "secret" not in sealed
    assert encryption.encrypt("a secret", "row 1") != sealed
    assert encryption.decrypt(sealed, "row 1") == "a secret"
    with pytest.raises(CannotDecrypt):
        encryption.decrypt(sealed, "row 2")


@pytest.mark.parametrize("sealed", ["", "v1", "v1.00000000.AAAA", "v2.x.y", "v1..", "plain text"])
def test_what_was_not_encrypted_here_is_refused(sealed: str) -> None:
    with pytest.raises(CannotDecrypt):
        Encryption(KEY).decrypt(sealed, "row 1")


def test_changed_cipher_text_is_refused() -> None:
    sealed = Encryption(KEY).encrypt("a secret", "row 1")
    changed = sealed[:-2] + ("A" if sealed[-2] != "A" else "B") + sealed[-1]

    with pytest.raises(CannotDecrypt):
        Encryption(KEY).decrypt(changed, "row 1")


def test_new_key_reads_what_the_old_one_encrypted() -> None:
    old = Encryption(KEY)
    sealed = old.encrypt("a secret", "row 1")

    new = Encryption(b"another root, 32 bytes long, new", KEY)

    assert new.decrypt(sealed, "row 1") == "a secret"
    assert not new.is_current(sealed)
    assert new.is_current(new.encrypt("a secret", "row 1"))
    with pytest.raises(CannotDecrypt):
        Encryption(b"another root, 32 bytes long, new").decrypt(sealed, "row 1")
