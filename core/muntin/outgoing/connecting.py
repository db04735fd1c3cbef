"""Connections to addresses that were looked at, and to no others."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpcore

from muntin.outgoing.addresses import AddressRules
from muntin.outgoing.errors import AddressRefused
from muntin.translation import _

RESOLVER_THREADS = 64
MAX_TRIED = 4
_resolvers = ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="outgoing-names")

Resolve = Callable[[str, int], list[str]]
"""Host and port -> addresses; blocks."""


def resolve(host: str, port: int) -> list[str]:
    """Every address of a name, in the system's order, each once."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections for the pool of a client; TLS, SNI and `Host` keep the name.

    Args:
        rules: Asked at each connection.
        resolve: Turns names into addresses, in a thread.
    """

    def __init__(self, rules: Callable[[], AddressRules], resolve: Resolve = resolve) -> None:
        self._rules = rules
        self._resolve = resolve
        self._plain = httpcore.AnyIOBackend()
        self._asked: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve once, look at every address, connect to the first that takes the connection.

        Raises:
            AddressRefused: One of the addresses is not permitted.
            httpcore.ConnectError, httpcore.ConnectTimeout: Nobody took it.
        """
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._addresses(host, port)
                return await self._first(addresses, port, timeout, socket_options)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout from error

    async def _addresses(self, host: str, port: int) -> list[str]:
        try:
            found = await self._looked_up(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(_("The name of the host is not known.")) from error
        rules = self._rules()
        if not found or not all(map(rules.permits, found)):
            raise AddressRefused(_("The panel does not send requests to addresses that are not public."))
        return found[:MAX_TRIED]

    async def _looked_up(self, host: str, port: int) -> list[str]:
        """One question at a time for each name: threads that wait for a slow server of names are missing elsewhere."""
        asked = self._asked.get((host, port))
        if asked is None:
            asked = asyncio.get_running_loop().run_in_executor(_resolvers, self._resolve, host, port)
            self._asked[host, port] = asked
            asked.add_done_callback(lambda done: self._answered(host, port, done))
        return await asyncio.shield(asked)

    def _answered(self, host: str, port: int, done: asyncio.Future[list[str]]) -> None:
        del self._asked[host, port]
        if not done.cancelled():
            done.exception()  # those who waited have it; there may be nobody any more

    async def _first(
        self, addresses: list[str], port: int, timeout: float | None, options: Iterable[Any] | None
    ) -> httpcore.AsyncNetworkStream:
        share_s = None if timeout is None else timeout / len(addresses)
        for address in addresses[:-1]:
            try:
                return await self._plain.connect_tcp(address, port, timeout=share_s, socket_options=options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue  # the next address of the same name
        return await self._plain.connect_tcp(addresses[-1], port, timeout=timeout, socket_options=options)
