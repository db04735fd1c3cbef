"""The agent behind TLS of an authority of its own, and certificates that are renewed while it runs."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509

from muntin.testing.authorities import Authority, make_authority
from muntin_node import certificates
from muntin_node.config_sections import SslSection
from muntin_node.errors import ConfigError

Eventually = Callable[..., Awaitable[None]]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = make_authority(tmp_path)
    made.issue(100, tmp_path)
    return made


def api_of(folder: Path, **more: Any) -> dict[str, Any]:
    ssl_values = {"enabled": True, "cert": str(folder / "cert.pem"), "key": str(folder / "key.pem")}
    return {"host": "127.0.0.1", "port": 0, "ssl": ssl_values} | more


def shown_serial(address: tuple[str, int], context: ssl.SSLContext) -> int:
    """The serial number of the certificate that a new connection gets."""
    with socket.create_connection(address, 10) as plain, context.wrap_socket(plain, server_hostname=address[0]) as tls:
        return x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"").serial_number


def address_of(agent: Any) -> tuple[str, int]:
    url = httpx.URL(agent.url)
    return url.host, url.port or 0


@asynccontextmanager
async def secured(start_agent: Any, folder: Path) -> AsyncIterator[Any]:
    async with start_agent(api=api_of(folder)) as agent:
        yield agent


async def test_agent_answers_over_tls_to_those_who_trust_its_authority(
    start_agent: Any, authority: Authority, tmp_path: Path
) -> None:
    async with secured(start_agent, tmp_path) as agent:
        url = agent.url.replace("http:", "https:")
        header = {"Authorization": f"Bearer {agent.agent.store.current.token}"}
        async with httpx.AsyncClient(verify=authority.trust, timeout=20) as client:
            answer = await client.get(f"{url}/api/system", headers=header)
        async with httpx.AsyncClient(timeout=20) as client:
            with pytest.raises(httpx.ConnectError):
                await client.get(f"{url}/api/system", headers=header)
            with pytest.raises(httpx.HTTPError):  # no plain HTTP on this port
                await client.get(f"{agent.url}/api/system", headers=header)

    assert (answer.status_code, answer.json()["os"], answer.http_version) == (200, "linux", "HTTP/1.1")


async def test_renewed_certificate_is_taken_over_and_open_connections_stay(
    start_agent: Any, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    monkeypatch.setattr(certificates.Certificates.__init__, "__kwdefaults__", {"look_every_s": 0.05})
    async with secured(start_agent, tmp_path) as agent:
        address, context = address_of(agent), authority.trust
        header = {"Authorization": f"Bearer {agent.agent.store.current.token}"}
        url = agent.url.replace("http:", "https:")
        async with httpx.AsyncClient(base_url=url, verify=context, headers=header, timeout=20) as client:
            first = await client.get("/api/system")
            before = await asyncio.to_thread(shown_serial, address, context)
            authority.issue(200, tmp_path)
            seen = [before]
            async with asyncio.timeout(30):
                while seen[-1] == before:
                    seen.append(await asyncio.to_thread(shown_serial, address, context))
            again = await client.get("/api/system")

    assert (before, seen[-1]) == (100, 200)
    assert (first.status_code, again.status_code) == (200, 200)


async def test_renewed_files_that_do_not_fit_leave_the_old_ones_in_use(
    authority: Authority, tmp_path: Path, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "muntin_node.certificates")
    section = SslSection(enabled=True, cert=str(tmp_path / "cert.pem"), key=str(tmp_path / "key.pem"))
    held = certificates.Certificates(section, look_every_s=0.01)
    watching = asyncio.create_task(held.watch())
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=held.context)
    address, context = server.sockets[0].getsockname()[:2], authority.trust
    try:
        for content in ("no certificate", ""):
            (tmp_path / "key.pem").write_text(content)
            await eventually(lambda: "cannot be loaded" in caplog.text, within_s=30)
            refused = await asyncio.to_thread(shown_serial, address, context)
            caplog.clear()
        authority.issue(300, tmp_path)
        await eventually(lambda: "is in use" in caplog.text, within_s=30)
        renewed = await asyncio.to_thread(shown_serial, address, context)
    finally:
        watching.cancel()
        server.close()
        await asyncio.gather(watching, return_exceptions=True)

    assert (refused, renewed) == (100, 300)


def test_certificate_and_key_that_do_not_belong_together_are_refused(authority: Authority, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    authority.issue(101, other)

    with pytest.raises(ConfigError, match=r"api\.ssl"):
        certificates.Certificates(SslSection(cert=str(tmp_path / "cert.pem"), key=str(other / "key.pem")))


async def test_agent_listens_on_ipv6(start_agent: Any, authority: Authority, tmp_path: Path) -> None:
    async with start_agent(api=api_of(tmp_path, host="::1")) as agent:
        port = int(agent.url.rpartition(":")[2])
        header = {"Authorization": f"Bearer {agent.agent.store.current.token}"}
        async with httpx.AsyncClient(verify=authority.trust, timeout=20) as client:
            answer = await client.get(f"https://[::1]:{port}/api/system", headers=header)

    assert answer.status_code == 200
