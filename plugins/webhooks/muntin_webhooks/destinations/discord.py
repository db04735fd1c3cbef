"""Discord's webhooks."""

from __future__ import annotations

import re
from typing import Annotated, Any

import orjson
from pydantic import Field, StringConstraints

from muntin.api.json import dumps
from muntin.outgoing import OutgoingAnswer
from muntin.schemas import Line
from muntin.translation import _
from muntin_webhooks.destinations.addresses import SecretUrl, shown_url
from muntin_webhooks.destinations.destination import Config, Destination, Notification, Rendered, Verdict
from muntin_webhooks.destinations.words import clipped, facts, headline

TITLE, FIELD_NAME, FIELD_VALUE, FOOTER = 256, 256, 1024, 2048
_MARKUP = re.compile(r"([\\*_~`|>\[\]()#@:<-])")


class DiscordConfig(Config):
    """A webhook of a channel."""

    webhook_url: SecretUrl = Field(title=_("Webhook URL"))
    username: Annotated[Line, StringConstraints(max_length=80)] = Field(
        default="", title=_("Name"), description=_("Under which it writes; left empty, the webhook's own.")
    )

    def address(self) -> str:
        """The host; the rest is a secret."""
        return shown_url(self.webhook_url)


def render(config: DiscordConfig, one: Notification) -> Rendered:
    """One embed; nobody is mentioned, whatever names say."""
    embed: dict[str, Any] = {
        "title": escaped(headline(one))[:TITLE],
        "timestamp": one.occurred_at.isoformat(),
        "fields": [
            {"name": escaped(name)[:FIELD_NAME], "value": escaped(text)[:FIELD_VALUE], "inline": len(text) < 40}
            for name, text in facts(one)
        ],
        "footer": {"text": clipped(one.panel_name, FOOTER)},
    }
    body: dict[str, Any] = {"embeds": [embed], "allowed_mentions": {"parse": []}}
    if config.username:
        body["username"] = config.username
    return Rendered(
        url=config.webhook_url.get_secret_value(), headers={"Content-Type": "application/json"}, body=dumps(body)
    )


def escaped(text: str) -> str:
    """Without meaning in Discord's markup."""
    return _MARKUP.sub(r"\\\1", text)


def judge(answer: OutgoingAnswer) -> Verdict:
    """A webhook that was removed answers 404; limits say in the body how long to wait, to the millisecond."""
    if 200 <= answer.status < 300:
        return Verdict("delivered")
    if answer.status in (404, 410):
        return Verdict("gone")
    return Verdict("failed", _wait_s(answer.body) if answer.status == 429 else None)


def _wait_s(body: bytes) -> float | None:
    try:
        wait = orjson.loads(body)["retry_after"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    return float(wait) if isinstance(wait, int | float) else None


DISCORD = Destination(
    kind="discord", label="Discord", model=DiscordConfig, render=render, judge=judge, address_field="webhook_url"
)
