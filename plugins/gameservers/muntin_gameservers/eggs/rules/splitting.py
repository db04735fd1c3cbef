"""Laravel's one-line form of several rules: joined by `|`, which a regex among them may hold too."""

from collections.abc import Iterable
from typing import Final

_PATTERN_RULES: Final = ("regex:", "not_regex:")
BRACKETS: Final = {"(": ")", "[": "]", "{": "}", "<": ">"}  # delimiters that close with another character


def split_rules(text: str) -> tuple[str, ...]:
    """The rules in a text, without empty ones: `required|regex:/^(a|b)$/|max:3` are three.

    A `|` between the slashes of a regex divides nothing. A regex whose end cannot be told ends at the next `|`.
    """
    found = []
    start = 0
    while start <= len(text):
        end = _end_of_rule(text, start)
        rule = text[start:end].strip()
        if rule:
            found.append(rule)
        start = end + 1
    return tuple(found)


def join_rules(rules: Iterable[str]) -> str:
    """The one-line form of rules."""
    return "|".join(rules)


def _end_of_rule(text: str, start: int) -> int:
    head = text[start : start + 16].lstrip().lower()
    offset = text.find(":", start) + 1
    bar = text.find("|", start)
    naive_end = len(text) if bar < 0 else bar
    if not head.startswith(_PATTERN_RULES) or offset >= naive_end:
        return naive_end
    return _end_of_pattern(text, offset) or naive_end


def _end_of_pattern(text: str, start: int) -> int | None:
    """Where the rule ends whose pattern begins with its delimiter at `start`; None when no delimiter closes it."""
    delimiter = text[start]
    if delimiter.isalnum() or delimiter in "\\ ":
        return None
    closing = BRACKETS.get(delimiter, delimiter)
    position = start + 1
    while position < len(text):
        if text[position] == "\\":
            position += 2
            continue
        if text[position] == closing:
            end = _end_of_flags(text, position + 1)
            if end is not None:
                return end
        position += 1
    return None


def _end_of_flags(text: str, position: int) -> int | None:
    """The end of the rule when only flags stand between the delimiter and the next `|` or the end."""
    while position < len(text) and text[position].isalpha():
        position += 1
    return position if position == len(text) or text[position] == "|" else None
