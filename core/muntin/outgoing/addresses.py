"""Which addresses the panel connects to on behalf of users."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from muntin.runtime import panel
from muntin.settings.sections import OutgoingSettings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NOT_PUBLIC_4 = tuple(
    IPv4Network(one)
    for one in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared address space of providers; some clouds' metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's host agent, under a public number
        "169.254.0.0/16",  # link-local, metadata
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_PUBLIC_6 = IPv6Network("2000::/3")  # so mapped, NAT64, unique local, link-local, multicast and ::1 lie outside
_NOT_PUBLIC_6 = tuple(
    IPv6Network(one)
    for one in (
        "2001::/23",  # Teredo, ORCHID, benchmarks
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",  # documentation
    )
)


@dataclass(frozen=True, slots=True)
class AddressRules:
    """What may be connected to.

    Attributes:
        allowed: Networks that the operator allows although they are not public.
    """

    allowed: tuple[Network, ...] = ()

    @classmethod
    def allowing(cls, networks: Iterable[str]) -> AddressRules:
        """Public addresses and these networks."""
        return _allowing(tuple(networks))

    def permits(self, text: str) -> bool:
        """Whether this address (as resolvers write it) may be connected to; what is none may not."""
        try:
            address = ip_address(text)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.scope_id:
            return False
        return is_public(address) or any(address in network for network in self.allowed)


def is_public(address: Address) -> bool:
    """Whether the address is one of the public internet's, with no other address hidden in it."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    return address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)


def current_rules() -> AddressRules:
    """What the settings say now."""
    return _allowing(tuple(panel().settings.section(OutgoingSettings).allowed_networks))


@lru_cache(maxsize=16)
def _allowing(networks: tuple[str, ...]) -> AddressRules:
    return AddressRules(tuple(ip_network(one, strict=False) for one in networks))
