"""Regular expressions of egg authors, met by console lines of players: RE2, whose time grows with the input alone."""

from __future__ import annotations

import re

import re2  # type: ignore[import-untyped] # google-re2 ships no annotations

PATTERN_BOUND_CHARS = 1_000
GROUP_REFERENCE = re.compile(r"\$(?:\{([0-9]+)\}|([0-9]+))")


class PatternRefused(Exception):
    """The pattern is too long or is not RE2."""


class Pattern:
    """One compiled pattern.

    Raises:
        PatternRefused: It does not compile.
    """

    def __init__(self, source: str) -> None:
        if len(source) > PATTERN_BOUND_CHARS:
            raise PatternRefused(f"A pattern is longer than {PATTERN_BOUND_CHARS} characters.")
        options = re2.Options()
        options.log_errors = False
        try:
            self._compiled = re2.compile(source, options)
        except re2.error as error:
            raise PatternRefused(f"A pattern is not a regular expression of RE2: {error}") from None

    def found_in(self, text: str) -> bool:
        """Whether it matches anywhere."""
        return self._compiled.search(text) is not None

    def replaced(self, text: str, template: str) -> str:
        """Every match replaced; `$1` and `${1}` in the template stand for groups."""
        escaped = template.replace("\\", "\\\\")
        return str(self._compiled.sub(GROUP_REFERENCE.sub(lambda ref: f"\\{ref[1] or ref[2]}", escaped), text))
