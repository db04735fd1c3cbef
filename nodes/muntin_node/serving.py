"""Hypercorn under the agent's control: our socket, our limits, our end."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl

from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import Quart

from muntin_node.certificates import Certificates
from muntin_node.config_sections import ApiSection
from muntin_node.errors import ConfigError

BACKLOG = 1_024
MAX_HEADER_BYTES = 32_768
MAX_FRAME_BYTES = 65_536
KEEPALIVE = {socket.TCP_KEEPIDLE: 30, socket.TCP_KEEPINTVL: 10, socket.TCP_KEEPCNT: 3}  # seconds, seconds, times
GRACE_S = 3.0


def listening_socket(api: ApiSection) -> socket.socket:
    """A socket that listens on the configured address.

    Raises:
        ConfigError: Address not of this machine, port taken or not allowed.
    """
    family = socket.AF_INET6 if ":" in api.host else socket.AF_INET
    try:
        return socket.create_server((api.host, api.port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigError(f"Cannot listen on {api.host} port {api.port}: {os.strerror(error.errno or 0)}.") from error


class HttpServer:
    """Serves one app on one socket.

    Raises:
        ConfigError: TLS is enabled and certificate or key cannot be read.
    """

    def __init__(self, app: Quart, listener: socket.socket, api: ApiSection) -> None:
        self.app = app
        self.address: tuple[str, int] = listener.getsockname()[:2]
        self._certificates = Certificates(api.ssl) if api.ssl.enabled else None
        self._config = _server_config(listener, self._certificates)
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Serve until `stop`, then let requests end for 3 s."""
        watching = asyncio.create_task(self._certificates.watch()) if self._certificates else None
        try:
            await serve(self.app, self._config, shutdown_trigger=self._stop.wait)
        finally:
            if watching is not None:
                watching.cancel()

    def stop(self) -> None:
        """Stop accepting."""
        self._stop.set()


def _notice_dead_peers(listener: socket.socket) -> None:
    """Accepted connections inherit this: a peer that vanished without a word is noticed within a minute."""
    if listener.family in (socket.AF_INET, socket.AF_INET6):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in KEEPALIVE.items():
            listener.setsockopt(socket.IPPROTO_TCP, option, value)


class _Config(Config):
    """Serves TLS with the given context, which certificates are exchanged in."""

    def __init__(self, certificates: Certificates | None) -> None:
        super().__init__()
        self._certificates = certificates

    @property
    def ssl_enabled(self) -> bool:
        return self._certificates is not None

    def create_ssl_context(self) -> ssl.SSLContext | None:
        return self._certificates.context if self._certificates else None


def _server_config(listener: socket.socket, certificates: Certificates | None) -> Config:
    config = _Config(certificates)
    _notice_dead_peers(listener)
    config.bind = [f"fd://{listener.detach()}"]  # Hypercorn closes what it is given
    config.accesslog = None
    config.errorlog = None
    config.include_server_header = False
    config.backlog = BACKLOG
    config.h11_max_incomplete_size = MAX_HEADER_BYTES
    config.h2_max_header_list_size = MAX_HEADER_BYTES
    config.websocket_max_message_size = MAX_FRAME_BYTES
    config.websocket_ping_interval = None  # Hypercorn's pings hold a closed connection for an interval
    config.keep_alive_timeout = 75
    config.keep_alive_max_requests = 100_000
    config.graceful_timeout = GRACE_S
    return config
