"""A rendered mail as what goes over the wire; nothing in it can begin a header of its own."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import urlsplit
from uuid import UUID

from muntin.mail.rendering import Rendered
from muntin.settings import GeneralSettings, MailSettings, public_url, section

MAX_HEADER = 191


def build_message(mail_id: UUID, rendered: Rendered, *, to_address: str, to_name: str = "") -> EmailMessage:
    """The whole message, text and HTML.

    Args:
        mail_id: Becomes the Message-ID, so that the same mail sent twice is seen to be the same.

    Raises:
        ValueError: An address is not one that a header can hold.
    """
    settings = section(MailSettings)
    message = EmailMessage(policy=SMTP)
    message["Message-ID"] = f"<{mail_id}@{urlsplit(public_url()).hostname or 'localhost'}>"
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Subject"] = one_line(rendered.subject)
    message["From"] = _address(settings.from_name or section(GeneralSettings).name, settings.from_address)
    message["To"] = _address(to_name, to_address)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(rendered.text)
    if rendered.html:
        message.add_alternative(rendered.html, subtype="html")
    return message


def one_line(text: str) -> str:
    """The text without anything that ends a line or reverses its direction, not too long for a header."""
    kept = "".join(" " if _breaks(character) else character for character in text)
    return " ".join(kept.split())[:MAX_HEADER]


def _breaks(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs")


def _address(name: str, address: str) -> Address:
    return Address(display_name=one_line(name), addr_spec=address)
