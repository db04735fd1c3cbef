"""Reading an address that a user typed, strictly: what two programs could read in two ways is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

from muntin.outgoing.errors import AddressRefused
from muntin.translation import _

MAX_LENGTH = 2048
_PRINTABLE = re.compile(r"[\x21-\x7e]+\Z")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\Z")
_NUMERIC = re.compile(r"(0x[0-9a-f]*|[0-9]+)\Z")
_PORTS = {"http": 80, "https": 443}
_LOWEST_OTHER_PORT = 1024
_OTHER_PROTOCOLS = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080}
)
"""Ports above 1023 where a request could be read as another protocol's words (the Fetch standard's list)."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes.

    Attributes:
        host: A name in lower-case ASCII, or an address without brackets.
        target: Path and query, at least `/`.
    """

    scheme: str
    host: str
    port: int
    target: str

    @property
    def is_address(self) -> bool:
        """Whether the host is an address rather than a name."""
        return ":" in self.host or bool(_NUMERIC.match(self.host.rpartition(".")[2]))


def read_target(url: str, *, schemes: tuple[str, ...] = ("https", "http")) -> Target:
    """The parts of an address.

    Raises:
        AddressRefused: It is not one, holds a user name or odd characters, or names a port of another protocol.
    """
    if len(url) > MAX_LENGTH or not _PRINTABLE.match(url) or "\\" in url:
        raise AddressRefused(_("Give an address of at most 2048 plain characters, without spaces."))
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused(_("This is not an address.")) from None
    if parts.scheme not in schemes or not parts.hostname:
        raise AddressRefused(_("The address has to begin with {schemes}.", schemes=_("or").join(_shown(schemes))))
    if "@" in parts.netloc:
        raise AddressRefused(_("The address must not hold a user name or password."))
    host = _host(parts.hostname, bracketed="[" in parts.netloc)
    return Target(parts.scheme, host, _port(port, parts.scheme), _target(parts.path, parts.query))


def _shown(schemes: tuple[str, ...]) -> list[str]:
    return [f" {scheme}:// " for scheme in schemes]


def _host(host: str, *, bracketed: bool) -> str:
    host = host.lower()
    if bracketed:
        return _address(IPv6Address, host)
    host = host.removesuffix(".")
    labels = host.split(".")
    if _NUMERIC.match(labels[-1]):
        return _address(IPv4Address, host)  # 127.1, 0x7f000001 and 2130706433 are no dotted quads
    if len(host) > 253 or not all(map(_LABEL.match, labels)):
        raise AddressRefused(_("The name of the host is not right; write other scripts as xn--…."))
    return host


def _address(kind: type[IPv4Address] | type[IPv6Address], text: str) -> str:
    try:
        if "%" in text:  # a zone: an interface of this machine
            raise ValueError
        return str(kind(text))
    except ValueError:
        raise AddressRefused(_("Write numeric addresses in their usual form.")) from None


def _port(port: int | None, scheme: str) -> int:
    if port is None:
        return _PORTS[scheme]
    if port not in _PORTS.values() and (port < _LOWEST_OTHER_PORT or port in _OTHER_PROTOCOLS):
        raise AddressRefused(_("Requests are not sent to port {port}.", port=port))
    return port


def _target(path: str, query: str) -> str:
    return (path or "/") + (f"?{query}" if query else "")
