"""A hundred thousand events are waiting: they all arrive, and the sender's memory stays what it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from muntin.testing.callers import Caller
from muntin.testing.waiting import until

from .conftest import make_webhook, queue_many, sending, state_counts
from .receiving import Received, Said, receiving

PAGE_KIB = 4


def _own_mib() -> float:
    """Memory of the process's own; pages of the store that the system maps into it do not count."""
    _size, resident, shared, *_others = Path("/proc/self/statm").read_text().split()
    return (int(resident) - int(shared)) * PAGE_KIB / 1024


async def _drained(admin: Caller, number: int, timeout_s: float) -> tuple[int, int, float]:
    """Messages that arrived, different ones among them, and by how many MiB the process grew at most."""
    seen: set[bytes] = set()
    arrived = 0

    def answer(one: Received) -> Said:
        nonlocal arrived
        arrived += 1
        seen.add(UUID(one.id).bytes)
        receiver.received.clear()  # the receiver's memory is not what is measured
        return Said()

    async with receiving(answer) as receiver:
        hook = await make_webhook(admin, receiver.url)
        await queue_many([hook["id"]], number, resources=1000)
        before = most = _own_mib()

        def all_there() -> bool:
            nonlocal most
            most = max(most, _own_mib())
            return len(seen) == number

        async with sending():
            await until(all_there, timeout_s=timeout_s)
        states = await state_counts(hook["id"])
    assert set(states) <= {"success", "fresh"}
    return arrived, len(seen), most - before


async def test_waiting_events_arrive_in_bounded_memory(admin: Caller, clean: None) -> None:
    _arrived, different, grown_mib = await _drained(admin, 3_000, timeout_s=100)

    assert different == 3_000
    assert grown_mib < 40


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_hundred_thousand_waiting_events_arrive_in_the_same_memory(
    admin: Caller, clean: None, record_property: Callable[[str, object], None]
) -> None:
    arrived, different, grown_mib = await _drained(admin, 100_000, timeout_s=3000)

    record_property("table", f"100,000 events waiting: the sender grew by {grown_mib:.0f} MiB at most")
    assert (arrived, different) == (100_000, 100_000)
    assert grown_mib < 60  # some 10 of them are the ids that the test remembers
