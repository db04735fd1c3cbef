"""The one socket the web processes share."""

from __future__ import annotations

import errno
import socket

from muntin.translation import _

BACKLOG = 1024


class CannotBind(Exception):
    """The address cannot be listened on; the message says why and what helps."""


def bind(address: str) -> socket.socket:
    """Listen on `host:port` or `[v6 address]:port`.

    Raises:
        CannotBind: The port is taken, forbidden, or the address is not this machine's.
    """
    host, port = _split(address)
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise CannotBind(_reason(error, host, port)) from error
    listener.setblocking(False)
    return listener


def _split(address: str) -> tuple[str, int]:
    host, _colon, port = address.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise CannotBind(_("{address} is not an address to listen on; write host:port.", address=address))
    return host.strip("[]"), int(port)


def _reason(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return _(
            "Port {port} on {host} is taken by another program. Stop that, or set MUNTIN_BIND to a free one.",
            port=port,
            host=host,
        )
    if error.errno == errno.EACCES:
        return _("Port {port} is for the superuser only. Set MUNTIN_BIND to one above 1023.", port=port)
    return _("Cannot listen on {host} port {port}: {reason}.", host=host, port=port, reason=error.strerror or error)
