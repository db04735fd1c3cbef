"""Writes `docs/events.md` from the types of events: `python tests/docs/events_page.py`."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from muntin import core_plugin
from muntin.events import Event
from muntin_gameservers.events import EVENTS
from muntin_webhooks.events import EVENTS as WEBHOOK_EVENTS

PAGE = Path(__file__).parents[2] / "docs" / "events.md"
HEAD = """\
# Events

Every type of event that the core and the first-party plugins record. `muntin events list` prints those of your own
panel. How events are stored and delivered: [architecture](architecture.md#journey-an-event). How a plugin adds its own:
[muntin_events](plugins/hooks/muntin_events.md).

A subscriber gets an envelope: `id` (the same at every delivery), `type`, `version`, `resource_type`, `resource_id`,
`sequence` (1, 2, 3 ... per resource, without a gap), `occurred_at` (UTC), `actor_id` (the account that caused it, or
nothing) and the `payload` listed here. Payloads hold ids and plain values, never a secret.

This page is written by `python tests/docs/events_page.py`; a test compares it with the code.
"""


def page() -> str:
    """The page's text."""
    parts = [
        HEAD,
        _part("Core", core_plugin.muntin_events()),
        _part("Game servers", EVENTS),
        _part("Webhooks", WEBHOOK_EVENTS),
    ]
    return "\n".join(parts)


def _part(title: str, events: Iterable[type[Event]]) -> str:
    listed = "\n".join(_one(event) for event in sorted(events, key=lambda one: (one.type, one.version)))
    return f"## {title}\n\n{listed}"


def _one(event: type[Event]) -> str:
    described = inspect.cleandoc(event.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    text = "\n".join(textwrap.wrap(f"{described} Version {event.version}.", 120))
    schema = event.payload_schema()
    required = schema.get("required", ())
    rows = "\n".join(
        f"| `{name}` | {_kind(one)} | {'' if name in required else 'has a default'} |"
        for name, one in schema.get("properties", {}).items()
    )
    return f"### {event.type}\n\n{text}\n\n| payload | kind | |\n|---|---|---|\n{rows}\n"


def _kind(schema: dict[str, Any]) -> str:
    """A JSON Schema in a word or two."""
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    kind = str(schema.get("format") or schema.get("type") or schema.get("const") or "any value")
    return f"list of {_kind(schema['items'])}" if kind == "array" and "items" in schema else kind


if __name__ == "__main__":
    PAGE.write_text(page())
