"""Patterns as PHP writes them (`/^\\w+$/i`), tried on a value within bounds.

Whoever wrote the egg chose the pattern, whoever rents the server chooses the value, and some pairs keep a
backtracking matcher busy for years. So a value has at most `MAX_VALUE` characters and one trial takes at most
`MAX_TRIAL_S` seconds, kept by the `regex` package, which looks at the clock while it matches.
"""

from functools import lru_cache
from typing import Any, Final

import regex

from muntin_gameservers.eggs.rules.splitting import BRACKETS

MAX_VALUE: Final = 4096
MAX_PATTERN: Final = 2048
MAX_TRIAL_S: Final = 0.05
_FLAGS: Final = {"i": regex.IGNORECASE, "m": regex.MULTILINE, "s": regex.DOTALL, "x": regex.VERBOSE}
_HARMLESS: Final = frozenset("SUXDJAu\n\r ")  # change speed, greed or the end of a line, or are handled below


class PatternUnusable(ValueError):
    """The pattern is not one we can try."""


def is_usable(pattern: str) -> bool:
    """Whether a pattern with its delimiters can be tried at all."""
    try:
        _compiled(pattern)
    except PatternUnusable:
        return False
    return True


def matches(pattern: str, value: str) -> bool | None:
    """Whether a pattern with its delimiters occurs in a value; None when that could not be told within the bounds.

    Raises:
        PatternUnusable: No delimiters, unknown flags, or syntax that PHP has and we do not.
    """
    compiled = _compiled(pattern)
    if len(value) > MAX_VALUE:
        return None
    try:
        return compiled.search(value, timeout=MAX_TRIAL_S) is not None
    except TimeoutError:
        return None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    if len(pattern) > MAX_PATTERN:
        raise PatternUnusable(f"A pattern has at most {MAX_PATTERN} characters.")
    body, flags = _parted(pattern.strip())
    options = 0 if "u" in flags else regex.ASCII
    for flag in flags:
        if flag in _FLAGS:
            options |= _FLAGS[flag]
        elif flag not in _HARMLESS:
            raise PatternUnusable(f"Unknown flag {flag}.")
    try:
        return regex.compile(_translated(body, anchored="A" in flags, strict_end="D" in flags), options)
    except (regex.error, ValueError, OverflowError, RecursionError) as error:
        raise PatternUnusable(str(error)) from error


def _parted(pattern: str) -> tuple[str, str]:
    """The pattern proper and its flags: `{a+}i` -> `a+`, `i`."""
    delimiter = pattern[:1]
    end = pattern.rfind(BRACKETS.get(delimiter, delimiter)) if delimiter else -1
    if end < 1 or delimiter.isalnum() or delimiter == "\\":
        raise PatternUnusable("The delimiters are missing.")
    return pattern[1:end], pattern[end + 1 :]


def _translated(body: str, *, anchored: bool, strict_end: bool) -> str:
    """The few escapes that are written differently here: PHP's end of text and hexadecimal characters."""
    ends = {"z": r"\Z", "Z": r"(?=\n?\Z)", "e": r"\x1b", "A": r"\A"}
    out = [r"\A(?:"] if anchored else []
    position = 0
    while position < len(body):
        char = body[position]
        if char == "\\" and body[position + 1 : position + 3] == "x{":
            close = body.find("}", position)
            out.append(_hexadecimal(body[position + 3 : close]))
            position = close + 1
        elif char == "\\":
            following = body[position + 1 : position + 2]
            out.append(ends.get(following, char + following))
            position += 2
        else:
            out.append(char)
            position += 1
    if anchored:
        out.append(")")
    translated = "".join(out)
    return _with_strict_end(translated) if strict_end else translated


def _with_strict_end(pattern: str) -> str:
    """Flag D: a `$` at the end of the pattern does not stand before a last line break."""
    return pattern[:-1] + r"\Z" if pattern.endswith("$") and not pattern.endswith(r"\$") else pattern


def _hexadecimal(digits: str) -> str:
    try:
        return f"\\U{int(digits, 16):08x}"
    except ValueError as error:
        raise PatternUnusable("A hexadecimal character is not closed or not hexadecimal.") from error
