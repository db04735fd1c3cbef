"""UUIDs of version 7."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import RFC_4122

import pytest

from muntin.database import uuid7


def test_identifier_carries_version_variant_and_the_time_it_was_made() -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)

    made = uuid7()

    at = datetime.fromtimestamp((made.int >> 80) / 1000, UTC)
    assert (made.version, made.variant) == (7, RFC_4122)
    assert before <= at <= datetime.now(UTC)


def test_identifiers_of_several_threads_are_unique_and_those_of_each_ascend() -> None:
    with ThreadPoolExecutor(4) as threads:
        batches = list(threads.map(lambda _: [uuid7() for _ in range(5000)], range(4)))

    assert len({made for batch in batches for made in batch}) == 20_000
    assert all(batch == sorted(batch) for batch in batches)


def test_identifiers_ascend_although_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    first = uuid7()

    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now - 3_600_000_000_000)

    assert first < uuid7() < uuid7()
