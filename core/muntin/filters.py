"""Filters that every template of pages and mails may use, plugins' too."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from markupsafe import Markup, escape

_IN_BACKTICKS = re.compile(r"`([^`\n]+)`")


def with_code(text: object) -> Markup:
    """Words of people, escaped, and what stands between backticks in them as code."""
    return Markup(_IN_BACKTICKS.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped just now


FILTERS: Mapping[str, Callable[..., Any]] = {"with_code": with_code}
"""Name in templates -> filter."""
