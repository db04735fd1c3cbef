"""Addresses of this machine that a server may be bound to."""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct
from pathlib import Path

SIOCGIFADDR = 0x8915
IF_INET6 = Path("/proc/net/if_inet6")


def host_addresses() -> list[str]:
    """IPv4 and global IPv6 addresses, without loopback and link-local ones, sorted by family and number."""
    found = {*_ipv4_addresses(), *_ipv6_addresses()}
    usable = [item for item in map(ipaddress.ip_address, found) if not item.is_loopback and not item.is_link_local]
    return [str(item) for item in sorted(usable, key=lambda item: (item.version, int(item)))]


def _ipv4_addresses() -> list[str]:
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode()[:15])
            try:
                found.append(socket.inet_ntoa(fcntl.ioctl(probe, SIOCGIFADDR, request)[20:24]))
            except OSError:
                continue  # an interface without an IPv4 address
    return found


def _ipv6_addresses(table: Path = IF_INET6) -> list[str]:
    if not table.exists():
        return []
    return [str(ipaddress.IPv6Address(bytes.fromhex(line.split()[0]))) for line in table.read_text().splitlines()]
