"""The types of events of this panel, with their schemas: for plugins that offer them to people to choose from."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

from muntin.errors import StoreBusy
from muntin.events.event import Event, EventEnvelope
from muntin.plugins import CORE
from muntin.plugins.boundaries import deadlines, within
from muntin.runtime import panel

_known: WeakKeyDictionary[object, dict[tuple[str, int], _Known]] = WeakKeyDictionary()
"""Registry -> its events by type and version; which plugins are loaded never changes in a process."""

log = logging.getLogger("muntin.events")


class _Known(NamedTuple):
    plugin: str
    event: type[Event]


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
    known = _find(event.type, event.version)
    fields = known.event.concerns if known else ()
    found = [UUID(str(event.payload[name])) for name in fields if event.payload.get(name)]
    return tuple(dict.fromkeys(found))


async def shared_with(event_type: str, version: int, resource_id: str) -> frozenset[UUID]:
    """Further accounts that may learn of such an event, since its resource is shared with them now.

    Nobody where the plugin that records it is not enabled, or cannot tell.

    Raises:
        StoreBusy: To be asked again.
    """
    known = _find(event_type, version)
    if known is None or not (known.plugin == CORE or known.plugin in panel().registry.enabled):
        return frozenset()
    ask = partial(known.event.shared_with, resource_id)
    try:
        found = await within(known.plugin, f"event {event_type}", ask, deadline_s=deadlines().ask_s)
        return frozenset(UUID(str(one)) for one in found)
    except StoreBusy:
        raise
    except Exception:
        log.exception("Plugin %s could not tell with whom %s is shared", known.plugin, event_type)
        return frozenset()


def _find(event_type: str, version: int) -> _Known | None:
    registry = panel().registry
    if registry not in _known:
        events = [_Known(one.plugin, one.value) for one in registry.known(type) if issubclass(one.value, Event)]
        _known[registry] = {(one.event.type, one.event.version): one for one in events}
    return _known[registry].get((event_type, version))


def _described(plugin: str, event: type[Event]) -> EventType:
    return EventType(
        type=event.type,
        version=event.version,
        plugin=plugin,
        description=inspect.cleandoc(event.__doc__ or "").split("\n\n")[0].replace("\n", " "),
        schema=event.payload_schema(),
        concerns=event.concerns,
    )
