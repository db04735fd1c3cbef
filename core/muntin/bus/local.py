"""A bus that stays in its process: for tests, and where there is only one process."""

from __future__ import annotations

import asyncio
import json

from muntin.bus.interface import Callback, Json, Unsubscribe
from muntin.bus.messages import Subscriptions, encode


class LocalBus:
    """Delivers on the next turn of the loop; what arrives is a copy, as it would be from another process."""

    def __init__(self) -> None:
        self._subscriptions = Subscriptions()

    def publish(self, topic: str, data: Json = None) -> None:
        """See `Bus`."""
        text = encode(topic, data)
        asyncio.get_running_loop().call_soon(lambda: self._subscriptions.deliver(topic, json.loads(text)))

    def subscribe(self, pattern: str, callback: Callback) -> Unsubscribe:
        """See `Bus`."""
        return self._subscriptions.add(pattern, callback)

    async def flush(self, *, timeout_s: float = 1.0) -> bool:
        """Let what was published be delivered."""
        await asyncio.sleep(0)
        return True

    async def close(self) -> None:
        """Nothing to let go of."""
