"""Addresses in forms of destinations: checked when they are typed, and again at each connection."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, SecretStr, StringConstraints, ValidationInfo

from muntin.outgoing import AddressRefused, current_rules, read_target
from muntin.settings import section
from muntin.translation import _
from muntin_webhooks.settings import WebhookSettings

STORED = {"stored": True}
"""Context of validation for what was stored: it was checked when it was typed, and settings may have changed since."""


def checked_url(url: str, info: ValidationInfo) -> str:
    """The address, if requests may go there as far as can be told without asking for its name.

    Raises:
        ValueError: Says why not.
    """
    if info.context != STORED:
        refuse(url)
    return url


def refuse(url: str) -> None:
    """Refuse what is no address of a receiver.

    Raises:
        ValueError: Says why.
    """
    schemes = ("https", "http") if section(WebhookSettings).plain_http else ("https",)
    try:
        target = read_target(url, schemes=schemes)
    except AddressRefused as error:
        raise ValueError(str(error)) from None
    if target.is_address and not current_rules().permits(target.host):
        raise ValueError(_("The panel does not send requests to addresses that are not public."))


def checked_secret_url(url: SecretStr, info: ValidationInfo) -> SecretStr:
    """The same for addresses that are secrets themselves."""
    checked_url(url.get_secret_value(), info)
    return url


def shown_url(url: SecretStr) -> str:
    """Scheme and host of a secret address."""
    target = read_target(url.get_secret_value())
    return f"{target.scheme}://{target.host}/********"


Url = Annotated[str, StringConstraints(min_length=1, max_length=2048), AfterValidator(checked_url)]
SecretUrl = Annotated[SecretStr, AfterValidator(checked_secret_url)]
