"""Which ports of the host lead into a container."""

from __future__ import annotations

from muntin_gameservers.contract import Allocations
from muntin_gameservers.node.containers.environment import LOOPBACK

Bindings = dict[str, list[dict[str, str]]]


def port_bindings(allocations: Allocations, *, interface: str, isolated: bool) -> Bindings:
    """`"<port>/<tcp|udp>" -> [{"HostIp", "HostPort"}]` for every mapping.

    Args:
        interface: Replaces 127.0.0.1 as host address.
        isolated: The network driver publishes nothing on the host's loopback (`ispn`): such mappings are dropped.
    """
    bindings: Bindings = {}
    for address, ports in allocations.mappings.items():
        if address == LOOPBACK and isolated:
            continue
        host_ip = interface if address == LOOPBACK else address
        for port in ports:
            if 1 <= port <= 65535:
                for protocol in ("tcp", "udp"):
                    bindings.setdefault(f"{port}/{protocol}", []).append({"HostIp": host_ip, "HostPort": str(port)})
    return bindings
