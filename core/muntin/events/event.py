"""What happened, as typed facts in the past tense."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict

_TYPE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+\Z")


class Resource(NamedTuple):
    """The thing an event tells of; events of one resource are numbered and kept in order."""

    type: str  # "server"
    id: str  # usually a UUID


class Event(BaseModel):
    """One kind of fact. A plugin derives its own and contributes the class.

        class ServerCreated(Event):
            \"\"\"A server was ordered; its node does not know it yet.\"\"\"

            type = "server.created"
            subject = "server_id"

            server_id: UUID
            name: str

    Fields are the payload: plain JSON types, ids instead of objects, never a secret. They may be added to, with a
    default; any other change is a new `version`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: ClassVar[str]  # "resource.what_happened"; stays the same for ever
    version: ClassVar[int] = 1
    subject: ClassVar[str]  # name of the field that holds the resource's id
    concerns: ClassVar[tuple[str, ...]] = ()
    """Names of fields that hold accounts who may learn of the event as a whole (owner, the account itself). Without
    any, only administrators do: webhooks and other plugins that pass events on to accounts go by it."""

    by: UUID | None = None
    """The account that caused it, None for the panel itself. Stored beside the payload, not in it."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "type" not in vars(cls):
            return  # a common base of several events
        if not _TYPE.match(cls.type):
            raise TypeError(f"{cls.__name__}.type must look like 'server.created', not {cls.type!r}")
        if unknown := [name for name in cls.concerns if name not in cls.model_fields]:
            raise TypeError(f"{cls.__name__}.concerns names fields that are not there: {', '.join(unknown)}")
        if cls.resource is Event.resource and getattr(cls, "subject", None) not in cls.model_fields:
            raise TypeError(
                f"{cls.__name__}.subject must name the field that holds the id of its {cls.type.split('.')[0]}"
            )

    @classmethod
    async def shared_with(cls, resource_id: str) -> Collection[UUID]:
        """Further accounts that may learn of it, since its resource is shared with them now; nobody unless overridden.

        Asked when the event is passed on, and again when it is passed on later: who lost access learns no more.
        """
        return ()

    @property
    def resource(self) -> Resource:
        """What the event tells of: the first word of its type, and the field that `subject` names."""
        return Resource(self.type.split(".", 1)[0], str(getattr(self, self.subject)))

    @property
    def payload(self) -> dict[str, Any]:
        """The fields as plain JSON."""
        return self.model_dump(mode="json", exclude={"by"})

    @classmethod
    def payload_schema(cls) -> dict[str, Any]:
        """JSON Schema of the payload."""
        schema = cls.model_json_schema(mode="serialization")
        schema.get("properties", {}).pop("by", None)
        return schema


@dataclass(frozen=True, slots=True, kw_only=True)
class EventEnvelope:
    """An event as subscribers get it; `payload` is plain JSON."""

    id: UUID  # the same at every delivery, so a subscriber can tell a repetition
    type: str
    version: int
    resource_type: str
    resource_id: str
    sequence: int  # 1, 2, 3 ... without a gap per resource, over all types of events
    occurred_at: datetime
    actor_id: UUID | None
    payload: Mapping[str, Any]


class EventCatalogue:
    """Every kind of event that the core and the loaded plugins know."""

    def __init__(self, events: Iterable[type[Event]] = ()) -> None:
        self._by_name: dict[tuple[str, int], type[Event]] = {}
        for event in events:
            self._add(event)

    def _add(self, event: type[Event]) -> None:
        known = self._by_name.setdefault((event.type, event.version), event)
        if known is not event:
            raise ValueError(f"{event.type} version {event.version} is both {_name(known)} and {_name(event)}")

    @property
    def types(self) -> tuple[str, ...]:
        """Every type once, sorted."""
        return tuple(sorted({name for name, _version in self._by_name}))

    def find(self, type_: str, version: int) -> type[Event] | None:
        """The class of an event, None when its plugin is not loaded."""
        return self._by_name.get((type_, version))

    def read(self, envelope: EventEnvelope) -> Event:
        """The typed event inside an envelope.

        Raises:
            LookupError: Nobody who is loaded knows this type in this version.
        """
        event = self.find(envelope.type, envelope.version)
        if event is None:
            raise LookupError(f"unknown event {envelope.type} version {envelope.version}")
        return event.model_validate({**envelope.payload, "by": envelope.actor_id})

    def describe(self) -> list[dict[str, Any]]:
        """Type, version, description and JSON Schema of each, sorted by type."""
        return [
            {
                "type": event.type,
                "version": event.version,
                "description": (event.__doc__ or "").strip().split("\n\n")[0],
                "schema": event.payload_schema(),
            }
            for _key, event in sorted(self._by_name.items(), key=lambda item: item[0])
        ]


def _name(event: type[Event]) -> str:
    return f"{event.__module__}.{event.__qualname__}"
