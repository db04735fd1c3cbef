"""Words of people in pages."""

from __future__ import annotations

import pytest

from muntin.filters import with_code
from muntin.panel import Panel


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Try `muntin doctor`.", "Try <code>muntin doctor</code>."),
        ("`a` & `<b>`", "<code>a</code> &amp; <code>&lt;b&gt;</code>"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("one ` alone", "one ` alone"),
        ("over `two\nlines`", "over `two\nlines`"),
        ("", ""),
    ],
)
def test_text_between_backticks_is_code_and_everything_is_escaped(text: str, html: str) -> None:
    assert with_code(text) == html


async def test_filter_is_there_for_every_template(panel: Panel) -> None:
    template = panel.templates.environment.from_string("{{ text|with_code }}")

    assert await template.render_async(text="`<x>`") == "<code>&lt;x&gt;</code>"
