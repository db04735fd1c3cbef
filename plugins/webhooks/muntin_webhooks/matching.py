"""Which events a webhook hears of."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

PATTERN = r"^(\*|[a-z0-9_*]+(\.[a-z0-9_*]+)+)$"
FIELD = r"^[a-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+){0,5}$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event as filters see it."""

    type: str
    resource_type: str
    resource_id: str
    actor_id: UUID | None
    accounts: tuple[UUID, ...]
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest:
    """What one webhook wants.

    Attributes:
        account_id: Only events that concern this account; `None` hears of everything.
        filters: Field and wanted value; all have to hold.
    """

    account_id: UUID | None
    event_types: tuple[str, ...]
    filters: tuple[tuple[str, Any], ...] = ()

    def wants(self, event: Told) -> bool:
        """Whether the event is for it."""
        if self.account_id is not None and self.account_id not in event.accounts:
            return False
        return fits(self.event_types, event.type) and all(_holds(event, *one) for one in self.filters)


def fits(patterns: Sequence[str], event_type: str) -> bool:
    """Whether one of the patterns stands for the type; `*` stands for anything, dots included."""
    return any(
        pattern == event_type or ("*" in pattern and _compiled(pattern).match(event_type)) for pattern in patterns
    )


def _holds(event: Told, field: str, wanted: Any) -> bool:
    found = _value(event, field)
    if isinstance(wanted, bool) or isinstance(found, bool):
        return found is wanted
    return found is not None and (found == wanted or str(found) == str(wanted))


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


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Stars beside one another are one, or matching could take for ever."""
    parts = [re.escape(part) for part in re.split(r"\*+", pattern)]
    return re.compile(".*".join(parts) + r"\Z")
