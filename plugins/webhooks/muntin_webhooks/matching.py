"""Which events a webhook hears of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from muntin.events import EventEnvelope
from muntin_webhooks.models import MessageRow

PATTERN = r"^(\*|[a-z0-9_*]+(\.[a-z0-9_*]+)+)$"
FIELD = r"^[a-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+){0,5}$"


Told = EventEnvelope | MessageRow
"""An event as it was handed over, or as it is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest:
    """What one webhook wants.

    Attributes:
        filters: Field and wanted value; all have to hold.
    """

    event_types: tuple[str, ...]
    filters: tuple[tuple[str, Any], ...] = ()

    def wants(self, event: Told) -> bool:
        """Whether it asked for the event; what its account may learn of says `deliveries.access`."""
        return fits(self.event_types, event.type) and all(_holds(event, *one) for one in self.filters)


def fits(patterns: Sequence[str], event_type: str) -> bool:
    """Whether one of the patterns stands for the type; `*` stands for anything, dots included."""
    return any(_fits(pattern, event_type) for pattern in patterns)


@lru_cache(maxsize=4096)
def _fits(pattern: str, event_type: str) -> bool:
    """From left to right without going back, so no pattern takes long, whatever its stars."""
    first, *between = pattern.split("*")
    if not between:
        return pattern == event_type
    last, at = between.pop(), len(first)
    end = len(event_type) - len(last)
    if at > end or not event_type.startswith(first) or not event_type.endswith(last):
        return False
    for part in between:
        found = event_type.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _holds(event: Told, field: str, wanted: Any) -> bool:
    found = _value(event, field)
    if isinstance(wanted, bool) or isinstance(found, bool):
        return found is wanted
    if found is None or wanted is None:
        return found is wanted
    return bool(found == wanted) or str(found) == str(wanted)


def _value(event: Told, field: str) -> Any:
    """`resource.id`, `resource.type`, `actor_id`, or a path in the payload."""
    known = {"resource.id": event.resource_id, "resource.type": event.resource_type, "actor_id": event.actor_id}
    if field in known:
        return known[field]
    found: Any = event.payload
    for name in field.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found
