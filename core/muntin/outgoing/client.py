"""The client: one pool of connections per host, limits of time and size, failures in words."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import httpcore

from muntin.errors import Unavailable
from muntin.outgoing.addresses import AddressRules, current_rules
from muntin.outgoing.connecting import GuardedBackend, Resolve, resolve
from muntin.outgoing.errors import OutgoingFailed
from muntin.outgoing.targets import Target, read_target
from muntin.runtime import panel
from muntin.translation import _
from muntin.trust import trusting

MAX_HOSTS = 300
"""Hosts (of each group) whose connections are kept; the one unused for longest goes first."""

KEPT_S = 30.0
CA_VARIABLE = "MUNTIN_OUTGOING_CA_FILE"
_ALWAYS = ((b"Accept-Encoding", b"identity"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLimits:
    """How long a request may take, in seconds: to connect, between two pieces read, and in all."""

    connect_s: float = 5.0
    read_s: float = 10.0
    total_s: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingRequest:
    """What is sent; `Host` and `Content-Length` are added.

    Attributes:
        group: Only requests of one group use each other's connections, and wait for each other when there are many.
    """

    url: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingAnswer:
    """What was answered.

    Attributes:
        headers: Names in lower-case; of several of one name the last.
        body: The beginning, up to the limit.
        elapsed_ms: From the call to the last byte that was read.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed_ms: int


_PoolKey = tuple[str, str, int, str, AddressRules]


class OutgoingClient:
    """Sends requests to addresses that users name; keep one and close it in the end.

    Args:
        rules: Which addresses are permitted; by default what the settings say at the time.
        connections_per_host: Of one group, at most at the same time.
        resolve: Turns names into addresses; the system's by default.
    """

    def __init__(
        self,
        *,
        rules: Callable[[], AddressRules] = current_rules,
        connections_per_host: int = 32,
        resolve: Resolve = resolve,
    ) -> None:
        self._rules = rules
        self._connections = connections_per_host
        self._backend = GuardedBackend(rules, resolve)
        self._pools: OrderedDict[_PoolKey, httpcore.AsyncConnectionPool] = OrderedDict()
        self._closing: set[asyncio.Task[None]] = set()

    async def send(
        self, request: OutgoingRequest, *, limits: TimeLimits | None = None, body_limit: int = 16_384
    ) -> OutgoingAnswer:
        """Send it once and read the answer, up to `body_limit` bytes of its body.

        Raises:
            AddressRefused: The address is not one, or not permitted.
            OutgoingFailed: No whole answer came in time.
        """
        limits = limits or TimeLimits()
        target = read_target(request.url)
        started = time.monotonic()
        try:
            async with asyncio.timeout(limits.total_s):
                status, headers, body = await self._exchange(target, request, limits, body_limit)
        except TimeoutError:
            raise OutgoingFailed(_("No whole answer within {seconds} s.", seconds=f"{limits.total_s:g}")) from None
        except (
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpcore.TimeoutException,
            ssl.SSLError,
            OSError,
        ) as error:
            raise OutgoingFailed(_in_words(error)) from error
        return OutgoingAnswer(
            status=status, headers=headers, body=body, elapsed_ms=int((time.monotonic() - started) * 1000)
        )

    async def close(self) -> None:
        """Close every connection."""
        pools, self._pools = list(self._pools.values()), OrderedDict()
        await asyncio.gather(*(pool.aclose() for pool in pools), *self._closing, return_exceptions=True)

    async def _exchange(
        self, target: Target, request: OutgoingRequest, limits: TimeLimits, body_limit: int
    ) -> tuple[int, dict[str, str], bytes]:
        timeouts = {"connect": limits.connect_s, "read": limits.read_s, "write": limits.read_s, "pool": limits.total_s}
        url = httpcore.URL(
            scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.target.encode()
        )
        async with self._pool(target, request.group).stream(
            request.method,
            url,
            headers=_headers(target, request),
            content=request.body,
            extensions={"timeout": timeouts},
        ) as response:
            headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            return response.status, headers, await _beginning(response, body_limit)

    def _pool(self, target: Target, group: str) -> httpcore.AsyncConnectionPool:
        """Connections that were opened under other rules are not used again."""
        key = (target.scheme, target.host, target.port, group, self._rules())
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = httpcore.AsyncConnectionPool(
                ssl_context=_tls() if target.scheme == "https" else None,
                max_connections=self._connections,
                keepalive_expiry=KEPT_S,
                network_backend=self._backend,
            )
            if len(self._pools) > MAX_HOSTS:
                self._drop_one()
        self._pools.move_to_end(key)
        return pool

    def _drop_one(self) -> None:
        """Close the pool unused for longest, of those that nobody uses now."""
        for key, pool in self._pools.items():
            if all(one.is_idle() for one in pool.connections):
                del self._pools[key]
                task = asyncio.get_running_loop().create_task(pool.aclose())
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)
                return


def _headers(target: Target, request: OutgoingRequest) -> list[tuple[bytes, bytes]]:
    host = f"[{target.host}]" if ":" in target.host else target.host
    if target.port != {"http": 80, "https": 443}[target.scheme]:
        host = f"{host}:{target.port}"
    sent = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.items()]
    return [(b"Host", host.encode()), *_ALWAYS, (b"Content-Length", str(len(request.body)).encode()), *sent]


async def _beginning(response: httpcore.Response, limit: int) -> bytes:
    """What is left unread is thrown away with the connection."""
    read = bytearray()
    async with aclosing(_pieces(response)) as pieces:
        async for piece in pieces:
            read += piece
            if len(read) >= limit:
                break
    return bytes(read[:limit])


async def _pieces(response: httpcore.Response) -> Any:
    async for piece in response.aiter_stream():
        yield piece


def _in_words(error: Exception) -> str:
    """A failure for people; never what the far side sent, nor the address."""
    if isinstance(error, httpcore.ConnectTimeout):
        return _("The host did not take the connection in time.")
    if isinstance(error, httpcore.TimeoutException):
        return _("The host took the connection but did not answer in time.")
    if tls := _tls_error(error):
        if isinstance(tls, ssl.SSLCertVerificationError):
            return _("The certificate of the host is not believed: {reason}.", reason=tls.verify_message.rstrip("."))
        return _("A safe connection could not be made; does the host speak TLS at this port?")
    if isinstance(error, httpcore.ConnectError):
        return str(error) if "name of the host" in str(error) else _("The host did not take the connection.")
    if isinstance(error, httpcore.ProtocolError):
        return _("What came back is no answer of HTTP.")
    return _("The connection broke off.")


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    """What TLS said, behind the words of the libraries in between."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error


def _tls() -> ssl.SSLContext:
    """Whose certificates are believed; a file of the operator's that cannot be used fails the request."""
    try:
        return trusting(panel().configuration.outgoing_ca_file, CA_VARIABLE)
    except Unavailable as error:
        raise OutgoingFailed(error.message) from error
