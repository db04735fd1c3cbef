"""The bus: how the processes of one installation tell each other things.

A message is a topic and a JSON value. It reaches every subscriber in every process, the sender's own included, in the
order one sender sent it, usually within a few milliseconds. **It can be missed**: by a process that is just starting,
reconnecting or too slow. Whoever must not miss a change (revoked keys, the set of plugins) also keeps a version in the
database and looks at it each second; the bus only makes it fast.

This module imports the standard library alone, so that the supervisor can host the hub.
"""

from __future__ import annotations

from muntin.bus.interface import MAX_MESSAGE_BYTES, Bus, Callback, Json, MessageTooLarge, Unsubscribe
from muntin.bus.opening import open_bus

__all__ = ["MAX_MESSAGE_BYTES", "Bus", "Callback", "Json", "MessageTooLarge", "Unsubscribe", "open_bus"]
