from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muntin_node.lines import LineSplitter


def test_lines_are_cut_wherever_the_chunks_were_cut() -> None:
    splitter = LineSplitter()

    got = [*splitter.feed(b"one\r\ntw"), *splitter.feed(b"o\n\nthr"), *splitter.feed(b"ee"), *splitter.end()]

    assert got == ["one", "two", "", "three"]


def test_a_line_without_end_does_not_grow() -> None:
    splitter = LineSplitter()

    got = [line for _ in range(20) for line in splitter.feed(b"x" * 10_000)]
    rest = splitter.end()

    assert [len(line) for line in got] == [65_536] * 3
    assert len(rest[0]) == 200_000 - 3 * 65_536


def test_bytes_that_are_no_text_become_replacement_signs() -> None:
    assert LineSplitter().feed(b"a\xffb\n") == ["a\ufffdb"]


@settings(max_examples=50, deadline=None)
@pytest.mark.fuzz
@given(st.lists(st.binary(max_size=30), max_size=20))
def test_any_chunks_give_the_lines_of_the_whole(chunks: list[bytes]) -> None:
    whole, parts = LineSplitter(), LineSplitter()

    expected = [*whole.feed(b"".join(chunks)), *whole.end()]
    got = [line for chunk in chunks for line in parts.feed(chunk)] + parts.end()

    assert got == expected
