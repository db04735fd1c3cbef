"""Receivers with TLS: certificates are verified, and the log says why one was not believed."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from standardwebhooks import Webhook

from muntin.jobs.testing import FakeClock
from muntin.panel import Panel
from muntin.testing.authorities import Authority, make_authority
from muntin.testing.callers import Caller
from muntin.trust import trusting

from .conftest import all_over, all_tried, event, make_webhook, record, sending, state_counts
from .receiving import receiving


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that nobody knows."""
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(autouse=True)
def fresh_contexts() -> Iterator[None]:
    """Nothing is remembered of the authorities of another test."""
    trusting.cache_clear()
    yield
    trusting.cache_clear()


def configure(panel: Panel, monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    """`MUNTIN_OUTGOING_CA_FILE`."""
    known = panel.configuration.model_copy(update={"outgoing_ca_file": file})
    monkeypatch.setattr(panel, "configuration", known)


def signed_by_itself(authority: Authority) -> ssl.SSLContext:
    """A server whose certificate nobody else signed."""
    key = authority.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (authority.folder / "own.pem").write_bytes(key + authority.file.read_bytes())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(authority.folder / "own.pem")
    return context


async def refusal(admin: Caller, tls: ssl.SSLContext, host: str = "127.0.0.1") -> str:
    """Why nothing was sent, as the log tells it."""
    async with receiving(tls=tls) as receiver, sending() as sender:
        hook = await make_webhook(admin, f"https://{host}:{receiver.port}/hook")
        await record(event())
        await all_tried(sender)
    [one] = (await admin.get(f"/api/v1/admin/webhooks/{hook['id']}/deliveries")).data
    assert (receiver.received, one["status"], one["status_code"]) == ([], "pending", None)
    return str(one["error"])


async def test_certificate_signed_by_itself_is_refused(
    admin: Caller, authority: Authority, clean: None, fake_clock: FakeClock
) -> None:
    why = await refusal(admin, signed_by_itself(authority))

    assert why == "The certificate of the host is not believed: self-signed certificate."


async def test_certificate_of_an_unknown_authority_is_refused(
    admin: Caller, authority: Authority, clean: None, fake_clock: FakeClock
) -> None:
    why = await refusal(admin, authority.serving())

    assert why == "The certificate of the host is not believed: unable to get local issuer certificate."


async def test_certificate_of_another_host_is_refused_although_its_authority_is_known(
    panel: Panel, admin: Caller, authority: Authority, clean: None, fake_clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    await admin.put("/api/v1/admin/settings", {"outgoing": {"allowed_networks": ["127.0.0.0/8", "::1/128"]}})
    configure(panel, monkeypatch, authority.file)

    why = await refusal(admin, authority.serving(), "localhost")

    assert why.startswith("The certificate of the host is not believed: Hostname mismatch")


async def test_certificate_of_the_operators_authority_is_believed(
    panel: Panel, admin: Caller, authority: Authority, clean: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(panel, monkeypatch, authority.file)

    async with receiving(tls=authority.serving()) as receiver, sending():
        hook = await make_webhook(admin, receiver.url)
        await record(event())
        await all_over()

    [one] = receiver.received
    assert Webhook(hook["secret"]).verify(one.body, one.headers) == one.json
    assert await state_counts(hook["id"]) == {"success": 1}


async def test_file_that_holds_no_authority_is_named_in_the_log(
    panel: Panel, admin: Caller, authority: Authority, clean: None, fake_clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    configure(panel, monkeypatch, tmp_path / "missing.pem")

    why = await refusal(admin, authority.serving())

    assert why == "MUNTIN_OUTGOING_CA_FILE cannot be used: No such file or directory."
