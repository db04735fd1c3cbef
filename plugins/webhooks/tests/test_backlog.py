"""A hundred thousand events are waiting: they all arrive, and the sender's memory stays what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from muntin.testing.callers import Caller
from muntin.testing.waiting import until

from .conftest import make_webhook, queue_many, sending, state_counts
from .receiving import Received, Said, receiving

PAGE_KIB = 4


def _resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_KIB / 1024


async def _drained(admin: Caller, number: int, timeout_s: float) -> tuple[int, float]:
    """Different messages that arrived, and by how many MiB the process grew at most."""
    seen: set[str] = set()

    def answer(one: Received) -> Said:
        seen.add(one.id)
        receiver.received.clear()  # the receiver's memory is not what is measured
        return Said()

    async with receiving(answer) as receiver:
        hook = await make_webhook(admin, receiver.url)
        await queue_many([hook["id"]], number, resources=1000)
        before = most = _resident_mib()

        def all_there() -> bool:
            nonlocal most
            most = max(most, _resident_mib())
            return len(seen) == number

        async with sending():
            await until(all_there, timeout_s=timeout_s)
        states = await state_counts(hook["id"])
    assert set(states) <= {"success", "fresh"}
    return len(seen), most - before


async def test_waiting_events_arrive_in_bounded_memory(admin: Caller, clean: None) -> None:
    arrived, grown_mib = await _drained(admin, 3_000, timeout_s=100)

    assert arrived == 3_000
    assert grown_mib < 40


@pytest.mark.fuzz
@pytest.mark.timeout(3600)
async def test_hundred_thousand_waiting_events_arrive_in_the_same_memory(admin: Caller, clean: None) -> None:
    arrived, grown_mib = await _drained(admin, 100_000, timeout_s=3000)

    assert arrived == 100_000
    assert grown_mib < 60  # 40 of them are the ids that the test remembers
