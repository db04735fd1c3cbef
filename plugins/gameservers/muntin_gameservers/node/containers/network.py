"""The network servers live in, and the ones that send from a fixed address."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from docker.types import IPAMConfig, IPAMPool

from muntin_gameservers.contract import Allocations
from muntin_gameservers.node.containers.environment import LOOPBACK
from muntin_gameservers.node.docker_engine.engine import Engine
from muntin_gameservers.node.docker_engine.errors import EngineAway, EngineError
from muntin_node.config import NodeConfig
from muntin_node.config_sections import NetworkSection

log = logging.getLogger(__name__)
EXTERNAL_MODES = ("host", "none", "bridge", "default")


class Network:
    """Makes the configured network when it is missing and knows the host's address in it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._gateway = ""

    async def ensure(self, config: NodeConfig) -> None:
        """Make the network: with IPv6, else without, else with addresses of the engine's choice.

        Raises:
            EngineError: The engine refused all three.
        """
        section = config.docker.network
        if section.network_mode in EXTERNAL_MODES or section.network_mode.startswith("container:"):
            return
        for number, request in enumerate(_requests(section)):
            try:
                await self._engine.ensure_network(section.name, request)
                break
            except EngineAway:
                raise
            except EngineError as error:
                log.warning("Network %s could not be made (attempt %d): %s", section.name, number + 1, error)
                if number == 2:
                    raise
        self._gateway = await self._find_gateway(section.name)

    def interface(self, config: NodeConfig) -> str:
        """The host address that stands for 127.0.0.1: the configured one, or the gateway the network really has."""
        section = config.docker.network
        follows_network = section.interface == section.interfaces.v4.gateway
        return self._gateway if follows_network and self._gateway else section.interface

    async def mode_for(self, allocations: Allocations, config: NodeConfig) -> str:
        """Which network a server joins; its own one when it must send from its default address."""
        address = allocations.default.ip
        if not allocations.force_outgoing_ip or address in (LOOPBACK, "0.0.0.0", ""):  # noqa: S104 - compared only
            return config.docker.network.network_mode
        name = f"ip-{address.replace('.', '-').replace(':', '-')}"
        options = {"com.docker.network.host_ipv4": address, "encryption": "false"}
        await self._engine.ensure_network(name, {"driver": "bridge", "options": options})
        return name

    async def _find_gateway(self, name: str) -> str:
        found = await self._engine.call(lambda client: client.inspect_network(name))
        pools = (found.get("IPAM") or {}).get("Config") or []
        return next((str(pool["Gateway"]) for pool in pools if "." in str(pool.get("Gateway", ""))), "")


def _requests(section: NetworkSection) -> Iterator[dict[str, Any]]:
    v4, v6 = section.interfaces.v4, section.interfaces.v6
    pool4 = IPAMPool(subnet=v4.subnet, gateway=v4.gateway)
    pool6 = IPAMPool(subnet=v6.subnet, gateway=v6.gateway)
    common = {"driver": section.driver, "internal": section.is_internal, "options": _options(section)}
    if section.ipv6:
        yield {**common, "enable_ipv6": True, "ipam": IPAMConfig(pool_configs=[pool4, pool6])}
    yield {**common, "ipam": IPAMConfig(pool_configs=[pool4])}
    yield common


def _options(section: NetworkSection) -> dict[str, str]:
    if section.driver != "bridge":
        return {}
    return {
        "com.docker.network.bridge.name": f"{section.name.removesuffix('_nw')[:14]}0",
        "com.docker.network.bridge.enable_icc": str(section.enable_icc).lower(),
        "com.docker.network.bridge.enable_ip_masquerade": "true",
        "com.docker.network.driver.mtu": str(section.network_mtu),
    }
