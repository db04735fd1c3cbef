"""Types of events, and who hears of them."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase

from muntin.conformance.finding import Finding, Rule
from muntin.conformance.loaded import Loaded
from muntin.contributions import EventSubscriber
from muntin.events import Event

TENSE_RULE = Rule(
    "event-tense",
    "warning",
    "An event is a fact; consumers read `note.written` as done and `note.write` as a wish.",
    "End the type with a word in the past tense; a type that was ever published stays, beside the new one.",
)
DOCUMENT_RULE = Rule(
    "event-undescribed",
    "warning",
    "The catalogue of events shows the first line of the class's docstring.",
    "Say in one sentence what happened.",
)
DECLARED_RULE = Rule(
    "event-undeclared",
    "error",
    "An event that is not contributed is in no catalogue, has no schema, and cannot be subscribed to.",
    "Yield the class from muntin_events.",
)
VERSION_RULE = Rule(
    "event-version",
    "error",
    "Consumers choose how to read the payload by its version.",
    "Let `version` be a whole number from 1 on, raised with each incompatible change.",
)
SECRET_RULE = Rule(
    "event-secret",
    "error",
    "Payloads are stored, shown to administrators and sent to webhooks.",
    "Leave it out; give the id of what holds it.",
)
SUBSCRIBER_RULE = Rule(
    "subscriber-unknown",
    "error",
    "A subscriber to an event that nobody records is never called.",
    "Correct the type; docs/events.md lists those of the core.",
)
ASYNC_RULE = Rule(
    "subscriber-signature",
    "error",
    "The worker awaits the handler with one event; anything else fails at each delivery until it is given up.",
    "Write `async def heard(event: EventEnvelope) -> None`.",
)
IRREGULAR = {
    "begun", "bound", "bought", "broken", "brought", "built", "caught", "chosen", "cut", "done", "drawn", "driven",
    "fallen", "felt", "forgotten", "found", "frozen", "given", "gone", "grown", "heard", "held", "hidden", "hit",
    "kept", "known", "left", "lent", "let", "lost", "made", "met", "overdue", "paid", "put", "read", "rebuilt", "reset",
    "run", "seen", "sent", "set", "shown", "shut", "sold", "spent", "split", "spoken", "spun", "stolen", "stood",
    "stuck", "swept", "sworn", "taken", "taught", "thrown", "told", "torn", "understood", "undone", "unset", "upset",
    "won", "woken", "written", "online", "offline", "back", "away", "failed", "ready", "full", "up", "down", "started",
}  # fmt: skip
SECRET = re.compile(r"(^|_)(password|passphrase|secret|token|api_?key|private_?key)($|_)(?!id)")


def check(loaded: Loaded) -> Iterator[Finding]:
    """Every type and every subscriber."""
    declared = [one for one in loaded.of(type) if issubclass(one, Event)]
    for event in declared:
        yield from _event(event)
    for event in _written(loaded):
        if event not in declared:
            yield DECLARED_RULE.at(loaded.line_of(event), f"{event.type} ({event.__name__}) is not contributed.")
    known = {one.type for one in loaded.known(type) if issubclass(one, Event)}
    for subscriber in loaded.of(EventSubscriber):
        yield from _subscriber(loaded, subscriber, known)


def _event(event: type[Event]) -> Iterator[Finding]:
    last = re.split(r"[._]", event.type)[-1]
    words = set(re.split(r"[._]", event.type.split(".", 1)[1]))
    if not (last.endswith("ed") or words & IRREGULAR or any(word.endswith("ed") for word in words)):
        yield TENSE_RULE.at(event.type, f"{last!r} is not in the past tense.")
    if not (vars(event).get("__doc__") or "").strip():
        yield DOCUMENT_RULE.at(event.type, f"{event.__name__} has no docstring.")
    if not isinstance(event.version, int) or isinstance(event.version, bool) or event.version < 1:
        yield VERSION_RULE.at(event.type, f"Its version is {event.version!r}.")
    for name in event.model_fields:
        if SECRET.search(name):
            yield SECRET_RULE.at(event.type, f"Its payload has a field {name!r}.")


def _written(loaded: Loaded) -> Iterator[type[Event]]:
    """Types of events in the plugin's modules."""
    for module in [sys.modules[name] for name in loaded.subject.sources if name in sys.modules]:
        for one in vars(module).values():
            if (
                inspect.isclass(one)
                and issubclass(one, Event)
                and "type" in vars(one)
                and one.__module__ == module.__name__
            ):
                yield one


def _subscriber(loaded: Loaded, subscriber: EventSubscriber, known: set[str]) -> Iterator[Finding]:
    where = f"subscriber {subscriber.name}"
    for pattern in subscriber.event_types:
        if not any(fnmatchcase(one, pattern) for one in known):
            ours = pattern.split(".")[0] in {one.split(".")[0] for one in known}
            yield SUBSCRIBER_RULE.at(where, f"No loaded plugin records {pattern!r}.", severity=None if ours else "note")
    handler = subscriber.handler
    if not inspect.iscoroutinefunction(handler) and not inspect.iscoroutinefunction(getattr(handler, "__call__", None)):  # noqa: B004 - whether it is one is asked
        yield ASYNC_RULE.at(f"{where} ({loaded.line_of(handler)})", "The handler is not async.")
        return
    try:
        inspect.signature(handler).bind(object())
    except TypeError as error:
        yield ASYNC_RULE.at(f"{where} ({loaded.line_of(handler)})", f"It cannot be called with one event: {error}.")
