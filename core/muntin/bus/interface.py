"""What every bus offers, whatever carries its messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

MAX_MESSAGE_BYTES = 1024 * 1024
"""The longest message (topic and data as UTF-8 JSON) a bus carries."""

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Callback = Callable[[str, Json], Awaitable[None] | None]
"""Called with (topic, data) on the loop; what it raises is logged and costs nobody else anything."""
Unsubscribe = Callable[[], None]


class MessageTooLarge(ValueError):
    """The message is longer than `MAX_MESSAGE_BYTES`; send an id and let the reader look it up."""


class Bus(Protocol):
    """Messages between the processes of one installation; see the package for what may be relied on."""

    def publish(self, topic: str, data: Json = None) -> None:
        """Send to every subscriber of `topic`, here and elsewhere; never waits.

        While the connection is away, messages are kept up to a bound, the oldest dropped first.

        Raises:
            MessageTooLarge: Nothing was sent.
            TypeError: `data` is not JSON.
        """

    def subscribe(self, pattern: str, callback: Callback) -> Unsubscribe:
        """Call `callback` for each message of a topic, or of a prefix (`console.*`; `*` is everything)."""

    async def flush(self, *, timeout_s: float = 1.0) -> bool:
        """Wait until what was published has left this process; False when it has not by then."""

    async def close(self) -> None:
        """Send what is queued (for at most a second), then let go of the connection."""
