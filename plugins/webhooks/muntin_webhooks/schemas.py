"""What comes in and goes out of the services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, field_validator

from muntin.schemas import Input, Line, Name, PageQuery, Text
from muntin.translation import _
from muntin_webhooks.matching import FIELD, PATTERN

Pattern = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=PATTERN)]
Patterns = Annotated[list[Pattern], Field(min_length=1, max_length=100)]
Kind = Annotated[Line, StringConstraints(min_length=1, max_length=64)]
Secret = Annotated[Line, StringConstraints(min_length=8, max_length=255)]
Config = Annotated[dict[str, Any], Field(max_length=20)]
Attempts = Annotated[int, Field(ge=0, le=10)]
RetryDelay = Annotated[int, Field(ge=1, le=86_400)]
Timeout = Annotated[int, Field(ge=1, le=30)]
Status = Literal["pending", "success", "failed"]
NATIVE_NAMES = {"custom": "http"}
"""Names of destinations in the native API that differ from ours."""


class Filter(Input):
    """One condition: a value of the event equals this."""

    field: Annotated[str, StringConstraints(max_length=128, pattern=FIELD)]
    equals: Annotated[Line, StringConstraints(max_length=255)] | bool | int | None


Filters = Annotated[list[Filter], Field(max_length=20)]


class WebhookOptions(Input):
    """What of a webhook has a value of its own when nobody says otherwise."""

    description: Annotated[Text, StringConstraints(max_length=1000)] = ""
    filters: Filters = Field(default_factory=list)
    secret: Secret | None = None
    is_enabled: bool = True
    retry_count: Attempts | None = None
    retry_delay_s: RetryDelay | None = None
    timeout_s: Timeout = 15


class WebhookInput(WebhookOptions):
    """A webhook to be made."""

    name: Name
    kind: Kind
    config: Config
    events: Patterns


class WebhookChanges(WebhookOptions):
    """What is to be different; what is not set stays."""

    name: Name = ""
    kind: Kind = ""
    config: Config = Field(default_factory=dict)
    events: Patterns = Field(default_factory=lambda: ["*"])


class RotationInput(Input):
    """A new secret; old ones stay good for a while."""

    overlap_hours: int = Field(default=24, ge=0, le=168, title=_("Old secrets stay good for"))
    secret: Secret | None = None


class ReplayInput(Input):
    """Which messages are to be sent again."""

    since: datetime
    until: datetime | None = None
    which: Literal["undelivered", "all"] = "undelivered"

    @field_validator("since", "until")
    @classmethod
    def _aware(cls, moment: datetime | None) -> datetime | None:
        if moment is not None and moment.tzinfo is None:
            raise ValueError(_("Give the time zone too, such as 2026-01-31T12:00:00Z."))
        return moment


class DeliveryQuery(PageQuery):
    """Which part of the log."""

    status: str = ""
    event: str = Field(default="", max_length=128)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A webhook as its owner sees it.

    Attributes:
        type: Kind of the destination; `custom` is any program that takes requests.
        url: Where to; for chat services only the host, the rest is a secret.
        config: All fields of the destination, secrets masked.
        last_status: HTTP status of the last answer.
        failing_since: The first failure after the last success.
        public_key: For checking the Ed25519 signature; the newest.
    """

    id: UUID
    name: str
    type: str
    url: str
    has_secret: bool
    events: tuple[str, ...]
    enabled: bool
    last_status: int | None
    created_at: datetime
    description: str
    config: Mapping[str, Any]
    filters: tuple[Mapping[str, Any], ...]
    retry_count: int | None
    retry_delay_s: int | None
    timeout_s: int
    failing_since: datetime | None
    disabled_reason: str
    public_key: str | None
    account_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWebhook(Webhook):
    """A webhook that was just made, or whose secret was; the secret is never shown again."""

    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery:
    """One line of the log.

    Attributes:
        attempt: How often it was tried so far.
        next_attempt_at: When it is tried next; `None` when it is over.
    """

    id: UUID
    event: str
    status: Status
    status_code: int | None
    attempt: int
    response_time_ms: int | None
    error: str | None
    created_at: datetime
    event_id: UUID
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One earlier try."""

    at: datetime
    status_code: int | None
    response_time_ms: int | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryDetail(WebhookDelivery):
    """All that is known of a delivery; secrets of the webhook are masked wherever they stand."""

    webhook_id: UUID
    resource_type: str
    resource_id: str
    sequence: int
    request_url: str
    request_headers: Mapping[str, str]
    request_body: str
    response_body: str | None
    sent_at: datetime | None
    history: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventKind:
    """A type of event that one can ask for."""

    type: str
    version: int
    description: str
    category: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """What was sent in one hour."""

    start: datetime
    delivered: int
    failed: int
    pending: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """The last 24 hours. `success_rate_24h` is a percentage with one decimal, of all deliveries; 0 without any."""

    total_webhooks: int
    active_webhooks: int
    total_deliveries_24h: int
    successful_deliveries_24h: int
    failed_deliveries_24h: int
    avg_response_time_ms: int
    success_rate_24h: float
    hours: tuple[Hour, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """The data of a message that was too large for a request."""

    id: UUID
    event: str
    data: Any
