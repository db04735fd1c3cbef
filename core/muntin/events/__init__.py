"""What happened: typed events, the outbox they are stored in, and the relay that delivers them.

The model in one paragraph. An event becomes an outbox row in the transaction that made it true, with the next number of
its resource. The relay *routes* each row once: for every known subscriber that wants it, the subscriber's *lane* for
that resource learns how far it has to go. A lane is delivered by one worker at a time, event after event, so every
subscriber gets every event at least once and those of one resource in order; a failing event holds back its lane only.
A subscriber stays known until it is forgotten (`forget_subscribers`, when its plugin is purged): the lanes of a
disabled plugin wait.
"""

from muntin.events import outbox as _outbox  # so that transactions know who stores their events
from muntin.events.event import Event, EventCatalogue, EventEnvelope, Resource
from muntin.events.known import EventType, concerned, event_types, shared_with
from muntin.events.relay import Relay
from muntin.events.retention import Backlog, backlog, discard_dead_letter, forget_subscribers, retry_dead_letter, trim
from muntin.events.subscription import Handler, Subscription

on_written = _outbox.on_written

__all__ = [
    "Backlog",
    "Event",
    "EventCatalogue",
    "EventEnvelope",
    "EventType",
    "Handler",
    "Relay",
    "Resource",
    "Subscription",
    "backlog",
    "concerned",
    "discard_dead_letter",
    "event_types",
    "forget_subscribers",
    "on_written",
    "retry_dead_letter",
    "shared_with",
    "trim",
]
