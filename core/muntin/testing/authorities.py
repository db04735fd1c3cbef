"""A certificate authority for tests: servers with TLS, and clients that believe them or not."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOCAL = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority of the operator's own.

    Attributes:
        folder: Where its certificate is kept, `authority.pem`.
    """

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def file(self) -> Path:
        """Its certificate, PEM."""
        return self.folder / "authority.pem"

    @property
    def trust(self) -> ssl.SSLContext:
        """What a client connects with that believes this authority and no other."""
        return ssl.create_default_context(cafile=str(self.file))

    def issue(self, serial: int, folder: Path) -> None:
        """Write `cert.pem` and `key.pem` of a server at 127.0.0.1 and ::1; files that are there are renewed at once."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(one)) for one in LOCAL])
        builder = _builder("server", key, self.certificate.subject, serial).add_extension(names, critical=False)
        made = builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        for name, content in (("cert.pem", made), ("key.pem", _written(key))):
            (folder / f"new-{name}").write_bytes(content)
            (folder / f"new-{name}").rename(folder / name)

    def serving(self, serial: int = 2) -> ssl.SSLContext:
        """What a server at 127.0.0.1 or ::1 serves with."""
        self.issue(serial, self.folder)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.folder / "cert.pem", self.folder / "key.pem")
        return context


def make_authority(folder: Path) -> Authority:
    """A new authority with its certificate in a file of the folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tests")])
    certificate = (
        _builder("Tests", key, name, 1)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    authority = Authority(folder, key, certificate)
    authority.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return authority


def _builder(name: str, key: ec.EllipticCurvePrivateKey, issuer: x509.Name, serial: int) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )


def _written(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
