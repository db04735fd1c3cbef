"""Subscribes to what the bench changes and sends a datagram for each event: seconds since it happened."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from datetime import UTC, datetime

from muntin.contributions import EventSubscriber
from muntin.events import EventEnvelope
from muntin.plugins import hookimpl

PORT_VARIABLE = "MUNTIN_BENCH_PORT"

_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


async def _tell(event: EventEnvelope) -> None:
    waited_s = (datetime.now(UTC) - event.occurred_at).total_seconds()
    _socket.sendto(str(waited_s).encode(), ("127.0.0.1", int(os.environ[PORT_VARIABLE])))


@hookimpl
def muntin_event_subscribers() -> Iterable[EventSubscriber]:
    yield EventSubscriber(name="latency", event_types=("server.updated",), handler=_tell)
