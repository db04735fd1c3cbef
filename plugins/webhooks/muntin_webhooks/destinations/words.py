"""A notification in words, for services that show it to people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from muntin_webhooks.destinations.destination import Notification

SHOWN = 12
LONGEST = 200


def headline(one: Notification) -> str:
    """`server.created: lobby`."""
    name = one.data.get("name")
    return f"{one.type}: {clipped(name)}" if isinstance(name, str) and name else one.type


def facts(one: Notification) -> Iterator[tuple[str, str]]:
    """The plain values of the payload, each as name and text; at most a dozen."""
    found = ((name, _text(value)) for name, value in one.data.items() if name != "name")
    for _number, (name, text) in zip(range(SHOWN), ((name, text) for name, text in found if text), strict=False):
        yield name, text


def clipped(text: str, limit: int = LONGEST) -> str:
    """One line of at most so many characters."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _text(value: Any) -> str:
    if value is None or isinstance(value, dict):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return clipped(", ".join(str(one) for one in value[:20]))
    return clipped(str(value))
