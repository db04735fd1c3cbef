"""The types of events of this panel, with their schemas: for plugins that offer them to people to choose from."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from muntin.events.event import Event, EventEnvelope
from muntin.runtime import panel

_concerns: WeakKeyDictionary[object, dict[tuple[str, int], tuple[str, ...]]] = WeakKeyDictionary()
"""Registry -> what its events say of `concerns`; which plugins are loaded never changes in a process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """One type of event in one version.

    Attributes:
        plugin: Who records it; `core` for the panel itself.
        description: Its first paragraph.
        schema: JSON Schema (2020-12) of the payload.
        concerns: Fields of the payload with the accounts that may learn of it; none: only administrators.
    """

    type: str
    version: int
    plugin: str
    description: str
    schema: Mapping[str, Any]
    concerns: tuple[str, ...] = ()


def event_types() -> tuple[EventType, ...]:
    """What the core and the enabled plugins record, sorted; ask anew each time, since plugins come and go."""
    found = [
        _described(owned.plugin, owned.value)
        for owned in panel().registry.owned(type)
        if issubclass(owned.value, Event)
    ]
    return tuple(sorted(found, key=lambda one: (one.type, one.version)))


def concerned(event: EventEnvelope) -> tuple[UUID, ...]:
    """The accounts that may learn of the event; nobody when its type is not loaded (any more)."""
    registry = panel().registry
    if registry not in _concerns:
        classes = [owned.value for owned in registry.known(type) if issubclass(owned.value, Event)]
        _concerns[registry] = {(one.type, one.version): one.concerns for one in classes}
    fields = _concerns[registry].get((event.type, event.version), ())
    found = [UUID(str(event.payload[name])) for name in fields if event.payload.get(name)]
    return tuple(dict.fromkeys(found))


def _described(plugin: str, event: type[Event]) -> EventType:
    return EventType(
        type=event.type,
        version=event.version,
        plugin=plugin,
        description=inspect.cleandoc(event.__doc__ or "").split("\n\n")[0].replace("\n", " "),
        schema=event.payload_schema(),
        concerns=event.concerns,
    )
