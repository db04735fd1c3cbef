"""Which bus an installation uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from muntin.bus.interface import Bus

if TYPE_CHECKING:
    from muntin.bus.reconnecting import ReconnectingBus
    from muntin.configuration import Configuration


async def open_bus(configuration: Configuration) -> Bus:
    """Redis when configured, PostgreSQL when the store is one, else the unix socket in the data dir.

    Answers also while the other side is away (a command run beside a stopped panel): then nobody hears, and it goes on
    trying to connect.
    """
    bus = _bus(configuration)
    await bus.open()
    return bus


def _bus(configuration: Configuration) -> ReconnectingBus:
    """Imports only what is used; the supervisor's process never comes here."""
    if configuration.redis_url:
        from hashlib import sha256

        from muntin.bus.redis import RedisBus

        return RedisBus(configuration.redis_url, namespace=sha256(configuration.key).hexdigest()[:12])
    if not configuration.on_sqlite:
        from muntin.bus.postgres import PostgresBus

        return PostgresBus(configuration.store_url)
    from muntin.bus.unix import UnixBus

    return UnixBus(configuration.bus_path)
