"""Any program that takes requests: the event as JSON, signed."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from muntin.schemas import one_line
from muntin.translation import _
from muntin_webhooks.destinations.addresses import Url
from muntin_webhooks.destinations.destination import Config, Destination, Notification, Rendered

MAX_HEADERS = 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$%&'*+.^_|~-]{0,63}\Z")
_OURS = re.compile(
    r"(host|content-.*|transfer-encoding|connection|upgrade|te|trailer|expect|keep-alive|proxy-.*|accept-encoding"
    r"|user-agent|webhook-.*|x-webhook-.*|cookie|forwarded|x-forwarded-.*)\Z",
    re.IGNORECASE,
)


def _checked(headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
    for name, value in headers.items():
        text = one_line(value.get_secret_value())
        if not _NAME.match(name) or _OURS.match(name):
            raise ValueError(_("The header {name} cannot be set.", name=repr(name[:64])))
        if not text.isascii() or len(text) > 1024:
            raise ValueError(_("Headers hold plain characters, at most 1024."))
    return headers


class HttpConfig(Config):
    """Where to, and what to send along."""

    url: Url = Field(title=_("Address"))
    method: Literal["POST", "PUT", "PATCH"] = Field(default="POST", title=_("Method"))
    headers: Annotated[dict[str, SecretStr], AfterValidator(_checked)] = Field(
        default_factory=dict, max_length=MAX_HEADERS, title=_("Further headers")
    )

    def address(self) -> str:
        """The address itself: its owner typed it."""
        return self.url


def render(config: HttpConfig, one: Notification) -> Rendered:
    """The event as it is."""
    headers = {name: value.get_secret_value() for name, value in config.headers.items()}
    return Rendered(
        url=config.url,
        method=config.method,
        headers={**headers, "Content-Type": "application/json"},
        body=one.body,
        signed=True,
    )


HTTP = Destination(kind="http", label=_("HTTP"), model=HttpConfig, render=render)
