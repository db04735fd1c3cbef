"""The events that one can ask for."""

from __future__ import annotations

from muntin.access import Actor, guarded
from muntin.events import event_types
from muntin_webhooks.permissions import ADMIN, READ
from muntin_webhooks.schemas import EventKind


@guarded(READ)
async def list_events(actor: Actor) -> list[EventKind]:
    """The types whose events may concern the actor's account."""
    return _listed(own=True)


@guarded(ADMIN)
async def list_all_events(actor: Actor) -> list[EventKind]:
    """Every type, for panel-wide webhooks."""
    return _listed(own=False)


def _listed(*, own: bool) -> list[EventKind]:
    return [
        EventKind(type=one.type, version=one.version, description=one.description, category=one.type.split(".", 1)[0])
        for one in event_types()
        if one.concerns or not own
    ]
