"""One request as the core sees it: who sent it from where, and what became of it."""

from __future__ import annotations

import ipaddress
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING
from uuid import UUID

from quart import Request, Websocket

from muntin.access import Actor
from muntin.routing import Route

if TYPE_CHECKING:
    from muntin.connections import Socket

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")


@dataclass(slots=True, kw_only=True)
class Call:
    """A request or websocket on its way through the panel.

    Attributes:
        request: Quart's own object, for what is not parsed here.
        request_id: Taken from `X-Request-Id` when sane, else made; in the answer and every log line.
        address: Where it came from; a proxy's word counts only if the proxy is configured.
        secure: Whether it came over TLS, as far as trusted proxies say.
        actor: Set once authenticated.
        route: Set once found.
        socket: The panel's side of a websocket; handlers accept, receive and send through it.
        body: The raw body, where the route has one.
        watching: What a socket shows, kind and id, so that it can be looked at again when rights change.
        response_headers: Headers the answer will carry whatever happens.
    """

    request: Request | Websocket
    request_id: str
    address: str
    secure: bool
    actor: Actor = field(default_factory=Actor.anonymous)
    route: Route | None = None
    socket: Socket | None = None
    body: bytes = b""
    watching: tuple[str, UUID] | None = None
    response_headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, request: Request | Websocket, trusted_proxies: Sequence[str]) -> Call:
        """Read what is known before anything is authenticated."""
        sent_id = request.headers.get("X-Request-Id", "")
        address, secure = origin(request, tuple(trusted_proxies))
        return cls(
            request=request,
            request_id=sent_id if _REQUEST_ID.fullmatch(sent_id) else _new_id(),
            address=address,
            secure=secure,
            actor=Actor.anonymous(address),
        )

    @property
    def bearer(self) -> str | None:
        """The bearer token of the request, if it carries one."""
        scheme, _, token = self.request.headers.get("Authorization", "").partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None

    @property
    def user_agent(self) -> str:
        """The program that asks, cut to 255 characters."""
        return self.request.headers.get("User-Agent", "")[:255]


def _new_id() -> str:
    return f"{random.getrandbits(128):032x}"  # a name, not a secret


def origin(request: Request | Websocket, trusted_proxies: tuple[str, ...]) -> tuple[str, bool]:
    """The address a request came from and whether it was encrypted.

    Walks `X-Forwarded-For` from the right past proxies that are configured, and stops at the first
    that is not, so that nobody can claim a foreign address (RFC 7239 section 8.1 warns of it).
    """
    peer = request.remote_addr or ""
    secure = request.scheme in ("https", "wss")
    if not trusted_proxies or not _trusted(peer, trusted_proxies):
        return peer, secure
    secure = request.headers.get("X-Forwarded-Proto", request.scheme).lower() in ("https", "wss")
    for hop in reversed([part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]):
        if not hop:
            continue
        peer = hop
        if not _trusted(hop, trusted_proxies):
            break
    return peer, secure


@lru_cache(maxsize=4096)
def _trusted(address: str, trusted_proxies: tuple[str, ...]) -> bool:
    return within_networks(address, trusted_proxies)


def within_networks(address: str, networks: Sequence[str]) -> bool:
    """Whether the address lies in one of the networks (addresses or CIDR); false for what is no address."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(ip, "ipv4_mapped", None) or ip
    return any(mapped in ipaddress.ip_network(network, strict=False) for network in networks)
