"""Tables of what was tried, printed at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

Show = Callable[[str, Sequence[str], Sequence[Sequence[str]]], None]


@pytest.fixture
def show(record_property: Callable[[str, object], None]) -> Show:
    """Have a table printed at the end: title, heads of the columns, rows."""

    def keep(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        lines = [heads, *rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        text = "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines
        )
        record_property("table", f"{title}\n{text}")

    return keep
