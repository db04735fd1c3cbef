"""Mails that tell people what happened to their account."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from muntin import mail
from muntin.accounts.models import AccountRow
from muntin.database import Transaction
from muntin.runtime import panel
from muntin.settings.sections import FeatureSettings, GeneralSettings


async def send_notice(
    events: Transaction, account: AccountRow, title: str, text: str, facts: Mapping[str, str] | None = None
) -> None:
    """Tell somebody of a change to their account, unless the panel is set not to."""
    if panel().settings.section(FeatureSettings).sign_in_notices:
        values = {"name": _greeting(account), "title": title, "text": text, "facts": dict(facts or {})}
        await mail.send(events, "account.notice", to=account, values=values)


async def send_link(events: Transaction, template: str, account: AccountRow, path: str, **query: str) -> None:
    """Send a link to a page of the panel to the account's address."""
    await send_link_to(events, template, account, account.email, path, **query)


async def send_link_to(
    events: Transaction, template: str, account: AccountRow, address: str, path: str, **query: str
) -> None:
    """The same, to another address than the account's."""
    values = {"name": _greeting(account), "url": f"{panel_url()}{path}?{urlencode(query)}"}
    await mail.send(events, template, to=address, values=values)


def panel_url() -> str:
    """Where people reach the panel, without a trailing slash: as set by administrators, else by the operator."""
    return panel().settings.section(GeneralSettings).url or panel().configuration.public_url


def _greeting(account: AccountRow) -> str:
    return account.first_name or account.username
