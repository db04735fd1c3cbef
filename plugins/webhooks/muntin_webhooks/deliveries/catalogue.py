"""The events that one can ask for."""

from __future__ import annotations

from muntin.events import event_types
from muntin_webhooks.schemas import EventKind


def kinds(*, own: bool) -> list[EventKind]:
    """Every type of event, or only those whose events may concern an account."""
    return [
        EventKind(type=one.type, version=one.version, description=one.description, category=one.type.split(".", 1)[0])
        for one in event_types()
        if one.concerns or not own
    ]
