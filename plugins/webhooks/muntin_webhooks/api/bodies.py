"""Bodies of the native API: the contract's names, and further fields beside them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from muntin.errors import InvalidInput
from muntin.schemas import Input, Line, Name, Text
from muntin.translation import _
from muntin_webhooks.destinations.known import destinations
from muntin_webhooks.schemas import (
    NATIVE_NAMES,
    Attempts,
    Config,
    Filters,
    Kind,
    Patterns,
    RetryDelay,
    Secret,
    Timeout,
    WebhookChanges,
    WebhookInput,
)

Address = Annotated[Line, StringConstraints(min_length=1, max_length=2048)]
Description = Annotated[Text, StringConstraints(max_length=1000)]


class WebhookIn(Input):
    """A webhook to be made.

    `type` is `custom` (any program that takes requests), `discord`, `slack`, or another destination's kind; `config`
    holds the destination's further fields, `url` its address.
    """

    name: Name
    type: Kind = Field(examples=["custom"])
    url: Address | None = Field(default=None, examples=["https://example.com/hook"])
    secret: Secret | None = None
    events: Patterns = Field(examples=[["server.*"]])
    enabled: bool = True
    description: Description = ""
    config: Config = Field(default_factory=dict)
    filters: Filters = Field(default_factory=list)
    retry_count: Attempts | None = None
    retry_delay_s: RetryDelay | None = None
    timeout_s: Timeout = 15

    def wanted(self) -> WebhookInput:
        """As the service takes it."""
        same = self.model_dump(exclude={"type", "url", "enabled", "config", "filters"})
        config = with_url(self.type, self.url, self.config)
        return WebhookInput(
            kind=kind_of(self.type), config=config, is_enabled=self.enabled, filters=self.filters, **same
        )


class WebhookChange(Input):
    """What is to be different; what is left out stays."""

    name: Name | None = None
    type: Kind | None = None
    url: Address | None = None
    secret: Secret | None = None
    events: Patterns | None = None
    enabled: bool | None = None
    description: Description | None = None
    config: Config | None = None
    filters: Filters | None = None
    retry_count: Attempts | None = None
    retry_delay_s: RetryDelay | None = None
    timeout_s: Timeout | None = None

    def wanted(self, type_now: str) -> WebhookChanges:
        """As the service takes it; nothing means "as it is", but for the two fields that may be nothing."""
        sent = self.model_dump(exclude={"type", "url", "enabled", "config", "filters"}, exclude_unset=True)
        values: dict[str, Any] = {
            name: value for name, value in sent.items() if value is not None or name in ("retry_count", "retry_delay_s")
        }
        if self.enabled is not None:
            values["is_enabled"] = self.enabled
        if self.filters is not None:
            values["filters"] = self.filters
        if self.type is not None:
            values["kind"] = kind_of(self.type)
        if self.url is not None or self.config is not None:
            values["config"] = with_url(self.type or type_now, self.url, self.config or {})
        return WebhookChanges(**values)


def kind_of(type_: str) -> str:
    """Our name of the destination."""
    return NATIVE_NAMES.get(type_, type_)


def with_url(type_: str, url: str | None, config: dict[str, Any]) -> dict[str, Any]:
    """The destination's fields with the address among them.

    Raises:
        InvalidInput: There is no such destination.
    """
    destination = destinations().get(kind_of(type_))
    if destination is None:
        raise InvalidInput.of("type", _("There is no such destination; see the documentation of webhooks."))
    return config if url is None else {**config, destination.address_field: url}
