"""Slack's incoming webhooks, and those who speak alike (Mattermost, Rocket.Chat)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from muntin.api.json import dumps
from muntin.outgoing import OutgoingAnswer
from muntin.schemas import Line
from muntin.translation import _
from muntin_webhooks.destinations.addresses import SecretUrl, shown_url
from muntin_webhooks.destinations.destination import Config, Destination, Notification, Rendered, Verdict
from muntin_webhooks.destinations.words import facts, headline

GONE = (404, 410)  # no_service, channel_is_archived


class SlackConfig(Config):
    """An incoming webhook of a workspace."""

    webhook_url: SecretUrl = Field(title=_("Webhook URL"))
    channel: Annotated[Line, StringConstraints(max_length=80)] = Field(
        default="", title=_("Channel"), description=_("Only where the service lets a webhook choose.")
    )

    def address(self) -> str:
        """The host; the rest is a secret."""
        return shown_url(self.webhook_url)


def render(config: SlackConfig, one: Notification) -> Rendered:
    """A line of text for notifications, and blocks for the channel."""
    title = escaped(headline(one))
    fields = [{"type": "mrkdwn", "text": f"*{escaped(name)}*\n{escaped(text)}"} for name, text in facts(one)]
    blocks: list[dict[str, Any]] = [{"type": "section", "text": {"type": "mrkdwn", "text": f"*{title}*"}}]
    blocks += [{"type": "section", "fields": fields[start : start + 10]} for start in range(0, len(fields), 10)]
    moment = int(one.occurred_at.timestamp())
    when = f"<!date^{moment}^{{date_short_pretty}} {{time}}|{one.occurred_at:%Y-%m-%d %H:%M} UTC>"
    context = {"type": "mrkdwn", "text": f"{escaped(one.panel_name)} · {when}"}
    blocks.append({"type": "context", "elements": [context]})
    body: dict[str, Any] = {"text": title, "blocks": blocks} | ({"channel": config.channel} if config.channel else {})
    return Rendered(
        url=config.webhook_url.get_secret_value(), headers={"Content-Type": "application/json"}, body=dumps(body)
    )


def escaped(text: str) -> str:
    """The three characters that mean something; so nobody is called by `<!channel>` in a name."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def judge(answer: OutgoingAnswer) -> Verdict:
    """A webhook that was removed answers 404."""
    if 200 <= answer.status < 300:
        return Verdict("delivered")
    return Verdict("gone" if answer.status in GONE else "failed")


SLACK = Destination(
    kind="slack", label="Slack", model=SlackConfig, render=render, judge=judge, address_field="webhook_url"
)
