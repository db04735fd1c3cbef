"""The hub of the unix bus: one socket in the data dir, held by the supervisor.

Standard library only. A line is one of `s pattern` (subscribe), `u pattern` (unsubscribe), `p topic json` (publish,
both ways) and `f number` (flush; answered as it came). The hub reads verb and topic and passes the line on as it is. A
peer that does not read is dropped once `MAX_PENDING_BYTES` wait for it; it reconnects, the others notice nothing.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import socket
from pathlib import Path
from typing import IO

from muntin.bus.interface import MAX_MESSAGE_BYTES, Callback, Json, Unsubscribe
from muntin.bus.messages import Patterns, Subscriptions, encode

log = logging.getLogger(__name__)

MAX_PENDING_BYTES = 4 * MAX_MESSAGE_BYTES
MAX_LINE_BYTES = MAX_MESSAGE_BYTES + 1024


class HubTaken(OSError):
    """Another process holds this hub; connect to it instead."""


def reachable(path: Path, directory_fd: int) -> str:
    """The socket's path, or the same through the directory's descriptor where it exceeds the system's 107 bytes."""
    return str(path) if len(os.fsencode(path)) < 108 else f"/proc/self/fd/{directory_fd}/{path.name}"


class _Peer(asyncio.Protocol):
    """One connected process."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._rest = b""
        self._transport: asyncio.WriteTransport | None = None
        self.patterns = Patterns()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 - tells mypy; a stream server gives no other
        self._transport = transport
        self._hub.peers.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._hub.peers.discard(self)

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._hub.take(self, line)
        if len(self._rest) > MAX_LINE_BYTES:
            self.drop("sent a line without end")

    def send(self, line: bytes) -> None:
        """Write, or drop the peer that lets too much pile up."""
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(line)
        if self._transport.get_write_buffer_size() > MAX_PENDING_BYTES:
            self.drop("does not read")

    def close(self) -> None:
        """Hang up once what was written is sent."""
        if self._transport is not None:
            self._transport.close()

    def drop(self, why: str) -> None:
        """Cut the peer off; it will connect again."""
        log.warning("bus: dropped a peer that %s", why)
        self._hub.peers.discard(self)
        if self._transport is not None:
            self._transport.abort()


class Hub:
    """Passes each line on to the peers that want its topic; is itself a bus for the process that holds it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._subscriptions = Subscriptions()
        self._server: asyncio.Server | None = None
        self._lock: IO[str] | None = None
        self.peers: set[_Peer] = set()

    async def open(self) -> None:
        """Start to listen, mode 0600.

        Raises:
            HubTaken: Another process holds this path.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _lock(self._path.with_name(f"{self._path.name}.lock"))
        self._server = await asyncio.get_running_loop().create_unix_server(lambda: _Peer(self), sock=_bind(self._path))

    def publish(self, topic: str, data: Json = None) -> None:
        """See `Bus`."""
        text = encode(topic, data)
        self._pass_on(None, topic, f"p {topic} {text}\n".encode())
        asyncio.get_running_loop().call_soon(lambda: self._subscriptions.deliver(topic, json.loads(text)))

    def subscribe(self, pattern: str, callback: Callback) -> Unsubscribe:
        """See `Bus`."""
        return self._subscriptions.add(pattern, callback)

    async def flush(self, *, timeout_s: float = 1.0) -> bool:
        """Lines are written at once."""
        return True

    async def close(self) -> None:
        """Drop the peers and give the path free."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)
        for peer in tuple(self.peers):
            peer.close()
        if self._lock is not None:
            self._lock.close()

    def take(self, peer: _Peer, line: bytes) -> None:
        """Do what a peer's line says; a line that says nothing known costs its sender the connection."""
        verb, _, rest = line.partition(b" ")
        if verb == b"p":
            topic_bytes, _, payload = rest.partition(b" ")
            topic = topic_bytes.decode(errors="replace")
            self._pass_on(peer, topic, line + b"\n")
            self._hear(topic, payload)
        elif verb == b"s":
            peer.patterns.add(rest.decode(errors="replace"))
        elif verb == b"u":
            peer.patterns.discard(rest.decode(errors="replace"))
        elif verb == b"f":
            peer.send(line + b"\n")
        else:
            peer.drop("sent what no peer sends")

    def _pass_on(self, sender: _Peer | None, topic: str, line: bytes) -> None:
        for peer in tuple(self.peers):
            if peer is not sender and peer.patterns.want(topic):
                peer.send(line)

    def _hear(self, topic: str, payload: bytes) -> None:
        if self._subscriptions.wanted(topic):
            try:
                self._subscriptions.deliver(topic, json.loads(payload))
            except ValueError:
                log.warning("bus: %s came with data that is not JSON", topic)


def _lock(path: Path) -> IO[str]:
    file = path.open("w")
    path.chmod(0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise HubTaken(f"another process holds {path}") from None
    return file


def _bind(path: Path) -> socket.socket:
    """A listening socket that never was open to others; what a dead hub left at the path is replaced."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    directory_fd = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    old_mask = os.umask(0o177)
    try:
        listener.bind(reachable(path, directory_fd))
    finally:
        os.umask(old_mask)
        os.close(directory_fd)
    listener.setblocking(False)
    return listener
