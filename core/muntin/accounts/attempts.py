"""How often one network may try to sign in, register, or have mails sent."""

from __future__ import annotations

import time

from muntin.accounts.lockout import network_of
from muntin.bus.exact_limits import hit_exactly
from muntin.call import Call
from muntin.errors import TooManyRequests

PER_MINUTE = 10


async def count_attempt(call: Call) -> None:
    """Count one attempt from the caller's network, exactly and across processes.

    Raises:
        TooManyRequests: It made ten in this minute.
    """
    state = await hit_exactly(f"auth:{network_of(call.address)}", limit=PER_MINUTE, window_s=60)
    call.response_headers["X-RateLimit-Limit"] = str(state.limit)
    call.response_headers["X-RateLimit-Remaining"] = str(state.remaining)
    call.response_headers["X-RateLimit-Reset"] = str(state.reset_at)
    if not state.allowed:
        raise TooManyRequests(state.reset_at - int(time.time()))
