"""Telegram's bots."""

from __future__ import annotations

import re
from html import escape
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from muntin.api.json import dumps
from muntin.outgoing import OutgoingAnswer
from muntin.translation import _
from muntin_webhooks.destinations.addresses import Url
from muntin_webhooks.destinations.destination import Config, Destination, Notification, Rendered, Verdict
from muntin_webhooks.destinations.words import facts, headline

LONGEST = 4096
_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{20,64}\Z")
_MARKDOWN = re.compile(r"([_*`\[])")


def _checked(token: SecretStr) -> SecretStr:
    if not _TOKEN.match(token.get_secret_value()):
        raise ValueError(_("A token looks like 123456:ABC…."))
    return token


class TelegramConfig(Config):
    """A bot, and whom it writes to."""

    bot_token: Annotated[SecretStr, AfterValidator(_checked)] = Field(title=_("Token of the bot"))
    chat_id: Annotated[str, StringConstraints(pattern=r"^(-?[0-9]{1,20}|@[A-Za-z0-9_]{1,64})$")] = Field(
        title=_("Chat"), description=_("Its number, or @name of a channel.")
    )
    parse_mode: Literal["HTML", "Markdown"] = Field(default="HTML", title=_("Markup"))
    api_url: Url = Field(
        default="https://api.telegram.org",
        title=_("Server"),
        description=_("Another one for a Bot API server of one's own."),
    )

    def address(self) -> str:
        """The server; the token is a secret."""
        return self.api_url


def render(config: TelegramConfig, one: Notification) -> Rendered:
    """A message in the bot's markup."""
    write, bold = (_html, "<b>{}</b>") if config.parse_mode == "HTML" else (_markdown, "*{}*")
    lines = [bold.format(write(headline(one)))]
    lines += [f"{write(name)}: {write(text)}" for name, text in facts(one)]
    body: dict[str, Any] = {
        "chat_id": config.chat_id,
        "text": _fitting(lines),
        "parse_mode": config.parse_mode,
        "link_preview_options": {"is_disabled": True},
    }
    url = f"{config.api_url.rstrip('/')}/bot{config.bot_token.get_secret_value()}/sendMessage"
    return Rendered(url=url, headers={"Content-Type": "application/json"}, body=dumps(body))


def _html(text: str) -> str:
    return escape(text, quote=False)


def _markdown(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)


def _fitting(lines: list[str]) -> str:
    """Whole lines only: markup cut in two would be refused."""
    text = lines[0]
    for line in lines[1:]:
        if len(text) + 1 + len(line) > LONGEST:
            break
        text += f"\n{line}"
    return text


def judge(answer: OutgoingAnswer) -> Verdict:
    """Limits say in the body how long to wait; 401 and 404 mean that the token is no longer one."""
    said = _said(answer.body)
    if 200 <= answer.status < 300 and said.get("ok") is not False:
        return Verdict("delivered")
    if answer.status in (401, 404, 410):
        return Verdict("gone")
    wait = said.get("parameters", {}).get("retry_after") if isinstance(said.get("parameters"), dict) else None
    return Verdict("failed", float(wait) if isinstance(wait, int | float) else None)


def _said(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


TELEGRAM = Destination(
    kind="telegram", label="Telegram", model=TelegramConfig, render=render, judge=judge, address_field="api_url"
)
