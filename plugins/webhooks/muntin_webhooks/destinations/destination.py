"""What a destination is: a form, how a notification is written for it, and how its answers are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, SecretStr

from muntin.outgoing import OutgoingAnswer

MASK = "********"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One event as a destination is given it.

    Attributes:
        id: Of the event; the same at every attempt.
        delivery_id: Of this delivery, the same at every attempt of it.
        body: The event as JSON, less than 20 kB; what the destination `http` sends as it is.
        panel_name, panel_url: For texts that people read.
        data: The payload, or nothing when it is too large.
    """

    id: UUID
    delivery_id: UUID
    type: str
    occurred_at: datetime
    resource_type: str
    resource_id: str
    sequence: int
    data: Mapping[str, Any]
    body: bytes
    panel_name: str
    panel_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A request to be sent.

    Attributes:
        signed: Whether the headers of the signature are added; chat services would not look at them.
    """

    url: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means.

    Attributes:
        outcome: `delivered`; `failed`, to be tried again; or `gone`: never send there again.
        retry_after_s: How long the receiver wants to be left alone; `None` where it does not say.
    """

    outcome: Literal["delivered", "failed", "gone"]
    retry_after_s: float | None = None


class Config(BaseModel):
    """Base of the forms of destinations. `SecretStr` fields, and what `hidden` names, are never shown whole."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    def address(self) -> str:
        """Where requests go, as it is shown to people: nothing secret in it."""
        return ""


Render = Callable[[Any, Notification], Rendered]
Judge = Callable[[OutgoingAnswer], Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A kind of place that webhooks can send to.

    Attributes:
        kind: Stays the same for ever; webhooks in the database carry it.
        label: For people, already translated.
        model: The form; a subclass of `Config`.
        render: Writes the request of a notification; must neither wait nor fail.
        judge: Reads an answer; by default every 2xx is a success and 410 means gone. `Retry-After` is read anyway.
        address_field: The field that the native API shows and takes as `url`.
    """

    kind: str
    label: str
    model: type[Config]
    render: Render
    judge: Judge | None = None
    address_field: str = "url"


def plain(config: Config) -> dict[str, Any]:
    """All values, secrets too; what is stored (encrypted)."""
    return {name: _open(getattr(config, name)) for name in type(config).model_fields}


def _open(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Mapping):
        return {str(name): _open(inner) for name, inner in value.items()}
    return value
